import type { Announcement, AnnouncementLease, AnnounceOptions } from "./announcement.ts";

/** A worker as discovery knows it: a hint of where to dial, never of whom to trust. */
export interface DiscoveredWorker {
  /** Where to dial: `HOST:PORT`, `[IPv6]:PORT`, `unix:PATH` or `memory:NAME`; its key in discovery. */
  readonly address: string;
  /** The worker's own id, where the announcement has it. */
  readonly id?: string;
  /** Tags, where the announcement has them. */
  readonly tags?: readonly string[];
  /** The statement that the worker has signed about its announcement, where the backend carries one. */
  readonly signed?: string;
  /**
   * The identity pattern that the configuration of this discovery requires of this worker: the
   * host name in the configuration, for instance. It is verified where the dispatcher has no
   * `identity` of its own; an announcement never sets it.
   */
  readonly expected?: string;
}

/** One change of what discovery knows. */
export type DiscoveryChange =
  | { readonly kind: "added" | "updated"; readonly worker: DiscoveredWorker }
  /**
   * A worker that is gone; one that has `lapsed` is no longer known to be there: it is not dialled any more, and a
   * connection that is open stays in use, for there the worker itself says when it goes.
   */
  | { readonly kind: "removed"; readonly address: string; readonly lapsed?: true }
  /** An entry that cannot be believed or read; the others are not affected. */
  | { readonly kind: "rejected"; readonly message: string; readonly address?: string }
  /** Discovery does not work now; what was found stays. */
  | { readonly kind: "failed"; readonly message: string };

/** Finds workers, and reports those that come and go. */
export interface Discovery {
  /** The discovery URL, as events show it. */
  readonly source: string;
  /**
   * Whether every worker comes with the identity that is `expected` of it, so that a dispatcher
   * needs no `identity`.
   */
  readonly namesWorkers: boolean;
  /**
   * Whether a worker that is not known yet is on its way, one that a pool restarts for instance: calls
   * that find no worker wait for it within their deadline. Default: `false`.
   */
  readonly expectsMore?: boolean;
  /**
   * Reports changes until `signal` aborts. The first batch, which may be empty, is all that is
   * known at the start.
   */
  watch(signal: AbortSignal): AsyncIterable<readonly DiscoveryChange[]>;
  /**
   * Announces a worker; absent where workers are configured and cannot announce themselves.
   *
   * @throws {Error} Where the first announcement cannot be made.
   */
  announce?(announcement: Announcement, options: AnnounceOptions): Promise<AnnouncementLease>;
}
