import type { DiscoveredWorker, Discovery, DiscoveryChange } from "../../src/discovery/mod.ts";

/** Reads what a discovery reports, and keeps what it knows. */
export class Watched implements AsyncDisposable {
  /** The addresses that are known now. */
  readonly known = new Map<string, { readonly worker: DiscoveredWorker }>();
  /** Entries that were rejected so far. */
  readonly rejected: string[] = [];
  /** Failures so far. */
  readonly failures: string[] = [];
  readonly #stop = new AbortController();
  /** The timers of discoveries keep no process alive; a test that waits for them must. */
  readonly #awake = setInterval(() => {}, 1_000);
  readonly #batches: AsyncIterator<readonly DiscoveryChange[]>;
  #pending: Promise<IteratorResult<readonly DiscoveryChange[]>> | undefined;

  /** Begins to watch. */
  constructor(discovery: Discovery) {
    this.#batches = discovery.watch(this.#stop.signal)[Symbol.asyncIterator]();
  }

  /** Reads one batch. */
  async next(): Promise<readonly DiscoveryChange[]> {
    const { value, done } = await (this.#pending ??= this.#batches.next());
    this.#pending = undefined;
    if (done) throw new Error("the discovery has ended its watch");
    for (const change of value) {
      if (change.kind === "failed") this.failures.push(change.message);
      else if (change.kind === "rejected") this.rejected.push(change.message);
      else if (change.kind === "removed") this.known.delete(change.address);
      else this.known.set(change.worker.address, change);
    }
    return value;
  }

  /** Reads until a condition holds. */
  async until(holds: (addresses: readonly string[]) => boolean): Promise<readonly string[]> {
    while (!holds(this.addresses)) await this.next();
    return this.addresses;
  }

  /** The known addresses, in order. */
  get addresses(): readonly string[] {
    return [...this.known.keys()].sort();
  }

  /** Ends the watch. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#awake);
    this.#stop.abort();
    await this.#batches.return?.();
  }
}
