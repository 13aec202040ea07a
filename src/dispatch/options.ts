import type { CallOptions } from "../contract/mod.ts";
import type { Credentials } from "../credentials/mod.ts";
import type { Discovery } from "../discovery/mod.ts";

/** How a {@linkcode Dispatcher} finds workers, proves who they are and calls them. */
export interface DispatcherOptions {
  /** Where the workers are: a discovery URL such as `static:10.0.0.1:8443,10.0.0.2:8443`. */
  readonly discovery: string | Discovery;
  /**
   * Who we are and whom we trust. Default: none, which is plaintext: allowed on loopback, unix
   * sockets and in memory, warned about elsewhere, refused where `strict`.
   */
  readonly credentials?: Credentials | undefined;
  /**
   * Who the workers must prove to be, one pattern or several of which any will do. Default: the
   * host name in the configuration, which only `static:` and `dns:` discovery have.
   */
  readonly identity?: string | readonly string[] | undefined;
  /** Refuses whatever is less than mutual TLS outside of this machine. Default: `false`. */
  readonly strict?: boolean | undefined;
  /** How every call is made that does not say otherwise. Default: see {@linkcode CallOptions}. */
  readonly call?: Pick<CallOptions, "timeoutMs" | "headers" | "ahead"> | undefined;
  /** Timeouts and limits. */
  readonly limits?: DispatcherLimits | undefined;
}

/** Timeouts and limits of a dispatcher. */
export interface DispatcherLimits {
  /** From the first byte of a connection to the verdict, in milliseconds. Default 5,000. */
  readonly handshakeTimeoutMs?: number;
  /** The shortest wait before a worker that failed is dialled again, in milliseconds. Default 100. */
  readonly shortestBackoffMs?: number;
  /** The longest such wait, in milliseconds. Default 30,000. */
  readonly longestBackoffMs?: number;
  /** The age at which a connection is replaced, ±10%, in milliseconds. Default 3,600,000 (1 h). */
  readonly connectionAgeMs?: number;
  /** Handshakes under way at once. Default 64. */
  readonly handshakes?: number;
  /** The largest message to receive, in bytes. Default 4 MiB. */
  readonly messageBytes?: number;
}
