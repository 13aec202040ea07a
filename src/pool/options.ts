import type { Discovery } from "../discovery/mod.ts";
import type { SharedDispatcherOptions, WorkerSource } from "../dispatch/mod.ts";
import type { Authenticator, Policy } from "../policy/mod.ts";
import type { WorkerLimits } from "../worker/mod.ts";

/** How a pool's own workers are spawned. */
export interface SpawnOptions {
  /**
   * Modules whose exported routines are served; paths are relative to the working directory. Default: this program's
   * main module, which opens the pool where `import.meta.main` is true and not while it loads.
   */
  readonly modules?: readonly (string | URL)[] | undefined;
  /** How many workers. Default: one a core. */
  readonly count?: number | undefined;
  /** Threads a worker runs `run: "thread"` routines in; with 0, none may be. Default 1. */
  readonly threads?: number | undefined;
  /** Timeouts and limits of each worker. */
  readonly limits?: WorkerLimits | undefined;
  /** Tags of the workers. Default: none. */
  readonly tags?: readonly string[] | undefined;
  /**
   * Who may call what on the workers: rules, or the path of a policy file, which each worker reads again when it
   * changes. Their only remote caller is the pool, `spiffe://POOL-ID.pool.selvage/pool`; calls that routines make to their
   * own worker come from it, `spiffe://POOL-ID.pool.selvage/worker/ID`; `"*"` is both. Default: everything may be called.
   */
  readonly policy?: Policy | string | URL | undefined;
  /**
   * Verifies the tokens of calls on the workers, beside the pool's certificate: `jwt(...)`,
   * `kubernetesServiceAccount(...)`, `spiffeJwtSvids(...)` or `signedNonce(...)`, made again in each worker. The pool sends `token`; calls that
   * routines make to their own worker need one of their own. Default: no token is required, and none is read.
   */
  readonly authenticate?: Authenticator | undefined;
  /**
   * What the workers may do besides listening on a free loopback port, as Deno's flags, such as
   * `--allow-read=/data`. Default: nothing.
   */
  readonly permissions?: readonly string[] | undefined;
  /**
   * Where routines call others through `currentCall().dispatcher`. New credentials are handed to the
   * workers without a restart. Default: they call each other, on the same worker or, with `siblings`, on any.
   */
  readonly dispatcher?: SpawnedDispatcherOptions | undefined;
  /**
   * Whether routines call every worker of the pool through `currentCall().dispatcher`, instead of their own alone:
   * over mutual TLS, each as `spiffe://POOL-ID.pool.selvage/worker/ID`. For that the workers may connect to any port
   * of 127.0.0.1. Not beside `dispatcher`. Default: `false`.
   */
  readonly siblings?: boolean | undefined;
  /**
   * The `deno.json` that resolves the modules. Default: the nearest in or above the folder of this
   * program's main module; one that was given to Deno by `--config` is not known to the program.
   */
  readonly config?: string | URL | undefined;
  /** How long a worker's certificate is valid, in milliseconds. Default 3,600,000 (1 h). */
  readonly certificateTtlMs?: number | undefined;
  /** How long a worker may take to become ready, in milliseconds. Default 60,000. */
  readonly startTimeoutMs?: number | undefined;
  /**
   * How long a worker's event loop may leave pings unanswered before its process is ended and another one
   * started, in milliseconds; 0 is for ever. A routine that computes for longer belongs in a thread
   * (`run: "thread"`). Default 15,000.
   */
  readonly livenessTimeoutMs?: number | undefined;
  /** How long calls in flight may take when the pool is disposed of, in milliseconds. Default 25,000. */
  readonly drainGraceMs?: number | undefined;
}

/**
 * Where the routines of spawned workers call others, and who they are there. A `denylist` that is a file is one that
 * `permissions` must allow to be read.
 */
export interface SpawnedDispatcherOptions
  extends Pick<WorkerSource, "credentials" | "verdict" | "denylist" | "identity"> {
  /**
   * A discovery URL. Workers may connect to what `static:` lists; for any other discovery
   * `permissions` must allow the network.
   */
  readonly discovery: string;
}

/** What a {@linkcode WorkerPool} spawns, and where other workers are, whom we trust there and who we are to them. */
export interface WorkerPoolOptions
  extends SharedDispatcherOptions, Omit<WorkerSource, "discovery" | "announcements"> {
  /** Workers of the pool's own, on this machine. Default: none beside `discovery`, else one a core. */
  readonly spawn?: SpawnOptions | undefined;
  /** Where other workers are: a discovery URL, or a discovery. Default: nowhere. */
  readonly discovery?: string | Discovery | undefined;
}
