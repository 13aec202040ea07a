import type { Discovery, DiscoveryChange } from "../../../src/discovery/mod.ts";

/** A change, and whom to inform that it is known. */
interface Push {
  readonly change: DiscoveryChange;
  known(): void;
}

/** A discovery whose workers the test sets. */
export class PushedDiscovery implements Discovery {
  readonly source = "pushed:";
  readonly namesWorkers = false;
  readonly #pushed: Push[] = [];
  #news = Promise.withResolvers<void>();

  /** Reports a change; resolves when the dispatcher knows. */
  push(change: DiscoveryChange): Promise<void> {
    return new Promise((known) => {
      this.#pushed.push({ change, known });
      this.#news.resolve();
    });
  }

  /** Reports what was set. */
  async *watch(signal: AbortSignal): AsyncGenerator<readonly DiscoveryChange[]> {
    signal.addEventListener("abort", () => this.#news.resolve());
    while (!signal.aborted) {
      this.#news = Promise.withResolvers();
      const pushed = this.#pushed.splice(0);
      yield pushed.map(({ change }) => change);
      // A watcher that asks for more has taken what there was.
      for (const { known } of pushed) known();
      if (this.#pushed.length === 0) await this.#news.promise;
    }
  }
}
