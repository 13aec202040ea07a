import type { Discovery, DiscoveryChange } from "../../../src/discovery/mod.ts";

/** A change, and whom to inform that it is known. */
interface Told {
  readonly change: DiscoveryChange;
  known(): void;
}

/** A discovery whose workers the test sets. */
export class ToldDiscovery implements Discovery {
  readonly source = "told:";
  readonly namesWorkers = false;
  readonly #told: Told[] = [];
  #news = Promise.withResolvers<void>();

  /** Reports a change; resolves when the dispatcher knows. */
  tell(change: DiscoveryChange): Promise<void> {
    return new Promise((known) => {
      this.#told.push({ change, known });
      this.#news.resolve();
    });
  }

  /** Reports what was set. */
  async *watch(signal: AbortSignal): AsyncGenerator<readonly DiscoveryChange[]> {
    signal.addEventListener("abort", () => this.#news.resolve());
    while (!signal.aborted) {
      this.#news = Promise.withResolvers();
      const told = this.#told.splice(0);
      yield told.map(({ change }) => change);
      // A watcher that asks for more has taken what there was.
      for (const { known } of told) known();
      if (this.#told.length === 0) await this.#news.promise;
    }
  }
}
