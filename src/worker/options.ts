import type { ConnectRouter } from "@connectrpc/connect";
import type { TlsVersion } from "../channel/mod.ts";
import type { AnyRoutine } from "../contract/mod.ts";
import type { Credentials } from "../credentials/mod.ts";
import type { Discovery } from "../discovery/mod.ts";
import type { SharedDispatcherOptions, WorkerSource } from "../dispatch/mod.ts";
import type { Authenticate, Authenticator, PolicySetting } from "../policy/mod.ts";
import type { AdmitCall } from "./admission/admit_hook.ts";
import type { AnonymousOptions } from "./admission/anonymous_options.ts";
import type { WorkerLimits } from "./limits.ts";

/** What a {@linkcode WorkerServer} serves, where, and to whom. */
export interface WorkerServerOptions extends Pick<WorkerSource, "verdict" | "denylist"> {
  /**
   * Where to listen: `HOST:PORT` (0 is any free port), `[IPv6]:PORT`, `unix:PATH`, `memory:NAME`,
   * or several. Default: `127.0.0.1:0`.
   */
  readonly listen?: string | readonly string[] | undefined;
  /** The address that others reach it by, written as in `listen`. Default: the first it listens on. */
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
   * vouches for. Required with mutual TLS, and of no use without it.
   */
  readonly allow?: string | readonly string[] | undefined;
  /**
   * Who may call what: rules, the path of a policy file (JSON with comments, read again when it changes;
   * its schema is `policy.schema.json`), or a function that decides. It decides before a call's payload
   * is decoded, on every path. Default: everybody who may connect may call everything.
   */
  readonly policy?: PolicySetting | undefined;
  /**
   * Decides whether a call is taken now, by load: `false` or a text, which says why, refuses it as `Overloaded`,
   * so that its caller asks another worker. It is asked of each call that may be made, before it gets a place.
   * One that throws refuses the call, and is reported as `worker.fault`. Default: takes every call.
   */
  readonly admit?: AdmitCall | undefined;
  /**
   * Verifies the tokens of callers: `jwt(...)` or another authenticator, or a function, which requires a token
   * of every call. Default: no token is required, and none is read.
   */
  readonly authenticate?: Authenticator | Authenticate | undefined;
  /**
   * Whether a TLS listener on TCP also takes callers that speak plaintext, for the time of a migration:
   * `accept` needs `anonymous`. TLS callers meet exactly the checks that they meet without it. Default:
   * `refuse`.
   */
  readonly plaintext?: "accept" | "refuse" | undefined;
  /** What callers without identity may do where `plaintext` is `accept`. */
  readonly anonymous?: AnonymousOptions | undefined;
  /**
   * Starts only with mutual TLS, or one-way TLS and `authenticate`, on every TCP address, loopback too; a unix
   * socket must be in a folder that is ours. The health listener is exempt, its `/metrics` only on loopback.
   * Default: `false`.
   */
  readonly strict?: boolean | undefined;
  /** The oldest TLS version spoken. Default: 1.3 where clients show a certificate, else 1.2. */
  readonly minTlsVersion?: TlsVersion | undefined;
  /**
   * Whether one-way TLS listens with the platform's own TLS listener, `Deno.listenTls`. Only on TCP, and
   * with credentials that never change (`Credentials.fromPem`, `.fromFiles`). Where more than 64 connections
   * wait for the platform to end them, the worker falls back to its own listener, which it uses from the start
   * with fewer than 1,024 file descriptors. Default: `false`.
   */
  readonly nativeTls?: boolean | undefined;
  /**
   * Whether gRPC server reflection (v1 and v1alpha) is served, so that tools can list what this worker
   * serves: to each caller what the policy lets it call. Default: with mutual TLS.
   */
  readonly reflection?: boolean | undefined;
  /**
   * Where the worker announces itself: a discovery URL, `local:NAMESPACE`, `lan:FLEET` or `etcd:…`, or a discovery. With a
   * certificate the announcement is signed, again at half of its five minutes, and with every new certificate.
   * Default: nowhere.
   */
  readonly publish?: string | Discovery | undefined;
  /** Tags, for callers that ask for some. Default: none. */
  readonly tags?: readonly string[] | undefined;
  /**
   * How many threads run the routines marked `run: "thread"`, which must come from `modules`.
   * Default: one less than there are cores, at least one.
   */
  readonly threads?: number | undefined;
  /** Whether the stack of what a routine threw travels to the caller. Default: `false`. */
  readonly sendStacks?: boolean | undefined;
  /**
   * Whether every enumerable property of what a routine threw, and of its causes, travels to the caller.
   * Without it `code`, `errno` and `status` do, and the data of a `RoutineError` that the routine made.
   * Default: `false`.
   */
  readonly sendErrorData?: boolean | undefined;
  /**
   * Where the routines served here call others, as `currentCall().dispatcher`. Default: nowhere.
   */
  readonly dispatcher?: WorkerDispatcherOptions | undefined;
  /** Where to serve only `grpc.health.v1.Health`, in plaintext, `HOST:PORT`. Default: nowhere. */
  readonly health?: string | undefined;
  /**
   * Whether the health listener shows the metrics at `/metrics`, in Prometheus' text format; anyone who
   * reaches it can read them. Default: `false`.
   */
  readonly metrics?: boolean | undefined;
  /**
   * The path of a unix socket that shows this worker to its own user: snapshots, events and rehearsals,
   * nothing that changes it, for 8 readers at most. Its folder has mode 700, or is made so. Default: none.
   */
  readonly admin?: string | undefined;
  /**
   * Gives up the start: what was opened is closed, and the start fails with the signal's reason. Once the worker takes
   * calls the signal has no effect. Default: none.
   */
  readonly signal?: AbortSignal | undefined;
  /** Timeouts and limits. */
  readonly limits?: WorkerLimits | undefined;
}

/** How routines call others; the credentials are the worker's unless others are given. */
export interface WorkerDispatcherOptions
  extends WorkerSource, Omit<SharedDispatcherOptions, "admin"> {}
