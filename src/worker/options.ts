import type { ConnectRouter } from "@connectrpc/connect";
import type { AnyRoutine } from "../contract/mod.ts";
import type { Credentials } from "../credentials/mod.ts";

/** What a {@linkcode WorkerServer} serves, where, and to whom. */
export interface WorkerServerOptions {
  /**
   * Where to listen: `HOST:PORT` (0 is any free port), `[IPv6]:PORT`, `unix:PATH`, `memory:NAME`,
   * or several. Default: `127.0.0.1:0`.
   */
  readonly listen?: string | readonly string[] | undefined;
  /** The address that others reach it by, where it is not the one it listens on. */
  readonly advertise?: string | undefined;
  /** The worker's id. Default: a random one. */
  readonly id?: string | undefined;
  /** Modules whose exported routines are served. Default: none. */
  readonly modules?: readonly (string | URL)[] | undefined;
  /** Routines to serve besides those of `modules`; an object's values are taken. Default: none. */
  readonly routines?: readonly AnyRoutine[] | Readonly<Record<string, unknown>> | undefined;
  /** Connect services to serve beside the routines. Default: none. */
  readonly services?: ((router: ConnectRouter) => void) | undefined;
  /**
   * Who we are and whom we trust. Default: none, which is plaintext: allowed on loopback, unix
   * sockets and in memory, warned about elsewhere, refused where `strict`.
   */
  readonly credentials?: Credentials | undefined;
  /**
   * Who may connect: one pattern or several of which any will do, `*` being anyone our authority
   * vouches for. Required with mutual TLS.
   */
  readonly allow?: string | readonly string[] | undefined;
  /** Refuses whatever is less than mutual TLS outside of this machine. Default: `false`. */
  readonly strict?: boolean | undefined;
  /** Tags, for callers that ask for some. Default: none. */
  readonly tags?: readonly string[] | undefined;
  /** How many threads run the routines marked `run: "thread"`. Default: one less than the cores. */
  readonly threads?: number | undefined;
  /** Whether the stack of what a routine threw travels to the caller. Default: `false`. */
  readonly sendStacks?: boolean | undefined;
  /** Where to serve only `grpc.health.v1.Health`, in plaintext, `HOST:PORT`. Default: nowhere. */
  readonly health?: string | undefined;
  /** Timeouts and limits. */
  readonly limits?: WorkerLimits | undefined;
}

/** Timeouts and limits of a worker. */
export interface WorkerLimits {
  /** Calls at once; another one is refused as overloaded. Default 256. */
  readonly concurrency?: number;
  /** The largest message to receive, in bytes. Default 4 MiB. */
  readonly messageBytes?: number;
  /** From an accepted connection to the verdict, in milliseconds. Default 5,000. */
  readonly handshakeTimeoutMs?: number;
  /** How long calls in flight may go on when the worker drains, in milliseconds. Default 25,000. */
  readonly drainGraceMs?: number;
  /** The age at which a connection is told to leave, ±10%, in milliseconds. Default 3,600,000 (1 h). */
  readonly connectionAgeMs?: number;
}
