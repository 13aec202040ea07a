/** A worker as discovery knows it: a hint of where to dial, never of whom to trust. */
export interface DiscoveredWorker {
  /** Where to dial: `HOST:PORT`, `[IPv6]:PORT`, `unix:PATH` or `memory:NAME`; its key in discovery. */
  readonly address: string;
  /** The worker's own id, where the announcement tells it. */
  readonly id?: string;
  /** Tags, where the announcement tells them. */
  readonly tags?: readonly string[];
  /**
   * The identity pattern which whoever configured this discovery demands of this very worker: the
   * host name in the configuration, for instance. It is verified where the dispatcher has no
   * `identity` of its own; an announcement never sets it.
   */
  readonly expected?: string;
}

/** One change of what discovery knows. */
export type DiscoveryChange =
  | { readonly kind: "added" | "updated"; readonly worker: DiscoveredWorker }
  | { readonly kind: "removed"; readonly address: string }
  /** Discovery does not work now; what was found stays. */
  | { readonly kind: "failed"; readonly message: string };

/** Finds workers, and tells of those that come and go. */
export interface Discovery {
  /** The discovery URL, as events show it. */
  readonly source: string;
  /**
   * Whether every worker comes with the identity that is `expected` of it, so that a dispatcher
   * needs no `identity`.
   */
  readonly namesWorkers: boolean;
  /**
   * Tells of changes until `signal` aborts. The first batch, which may be empty, is all that is
   * known at the start.
   */
  watch(signal: AbortSignal): AsyncIterable<readonly DiscoveryChange[]>;
}
