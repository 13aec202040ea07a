/** A worker as discovery knows it: a hint of where to dial, never of whom to trust. */
export interface DiscoveredWorker {
  /** Where to dial: `HOST:PORT`, `[IPv6]:PORT`, `unix:PATH` or `memory:NAME`; its key in discovery. */
  readonly address: string;
  /** The worker's own id, where the announcement tells it. */
  readonly id?: string;
  /**
   * The host name or IP address that the operator wrote in the configuration. It is verified where
   * the dispatcher has no `identity`; an announcement never sets it.
   */
  readonly configuredName?: string;
}

/** One change of what discovery knows. */
export type DiscoveryChange =
  | { readonly kind: "added" | "updated"; readonly worker: DiscoveredWorker }
  | { readonly kind: "removed"; readonly address: string }
  | { readonly kind: "failed"; readonly message: string };

/** Finds workers, and tells of those that come and go. */
export interface Discovery {
  /** The discovery URL, as events show it. */
  readonly source: string;
  /**
   * Whether every worker's name was written by the operator, so that a dispatcher may verify it
   * without being told an `identity`.
   */
  readonly namesWorkers: boolean;
  /**
   * Tells of changes until `signal` aborts. The first batch, which may be empty, is all that is
   * known at the start.
   */
  watch(signal: AbortSignal): AsyncIterable<readonly DiscoveryChange[]>;
}
