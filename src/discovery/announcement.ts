/** What a worker says of itself in discovery: a hint of where to dial, never of whom to trust. */
export interface Announcement {
  /** The worker's id: a backend keeps one announcement for each id. */
  readonly id: string;
  /** Where to dial: `HOST:PORT`, `[IPv6]:PORT`, `unix:PATH` or `memory:NAME`. */
  readonly address: string;
  /** Whether callers connect with TLS; a worker that accepts plaintext beside TLS announces `true`. */
  readonly tls: boolean;
  /** The worker's tags. */
  readonly tags: readonly string[];
  /**
   * The statement that the worker has signed about this announcement, as printable ASCII of at most 48 KiB.
   * A backend that carries data stores and returns it unchanged, as `DiscoveredWorker.signed`.
   */
  readonly signed?: string;
}

/** What an announcement is made with. */
export interface AnnounceOptions {
  /**
   * Aborts the *first* announcement while it is being made. Once the lease has been returned, only disposing
   * of the lease withdraws it.
   */
  readonly signal: AbortSignal;
  /**
   * How long the announcement outlives a worker that is gone without withdrawing it, in milliseconds, where
   * the backend can forget by itself. Default: the backend's own.
   */
  readonly leaseMs?: number;
  /** Receives one sentence each time the announcement cannot be kept alive; the backend goes on trying. */
  readonly onFailure?: (message: string) => void;
}

/** An announcement that stands; the backend keeps it alive until the lease is disposed of. */
export interface AnnouncementLease extends AsyncDisposable {
  /**
   * Replaces the announcement (a new signature, other tags) under the same id, without a moment in which
   * the worker is not announced.
   *
   * @throws {Error} Where the backend cannot be reached; the former announcement stays as long as it can.
   */
  update(announcement: Announcement): Promise<void>;
  /** Withdraws the announcement. Never throws: a backend that cannot be reached forgets by itself. */
  [Symbol.asyncDispose](): Promise<void>;
}
