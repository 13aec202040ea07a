import { Overloaded } from "../errors/mod.ts";

/** Lets so many calls in at once and no more; there is no queue. */
export class CallGate {
  readonly #concurrency: number;
  readonly #now: () => number;
  #inFlight = 0;
  #idleSince: number;
  #empty: PromiseWithResolvers<void> | undefined;

  /**
   * Opens the gate.
   *
   * @param concurrency calls at once.
   * @param now milliseconds since the epoch.
   */
  constructor(concurrency: number, now: () => number) {
    this.#concurrency = concurrency;
    this.#now = now;
    this.#idleSince = now();
  }

  /** Calls that are in. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** How long it has been without a call, in whole seconds. */
  get idleSeconds(): number {
    return this.#inFlight > 0 ? 0 : Math.floor((this.#now() - this.#idleSince) / 1_000);
  }

  /** Lets a call in, or says why not. One that was let in must {@linkcode leave}. */
  enter(): Overloaded | undefined {
    if (this.#inFlight >= this.#concurrency) {
      return new Overloaded(`all ${this.#concurrency} places for calls are taken`);
    }
    this.#inFlight += 1;
    return undefined;
  }

  /** A call is over. */
  leave(): void {
    this.#inFlight -= 1;
    if (this.#inFlight > 0) return;
    this.#idleSince = this.#now();
    this.#empty?.resolve();
    this.#empty = undefined;
  }

  /** Resolves when no call is in. */
  emptied(): Promise<void> {
    if (this.#inFlight === 0) return Promise.resolve();
    this.#empty ??= Promise.withResolvers();
    return this.#empty.promise;
  }
}
