import type { TlsVersion } from "../channel/mod.ts";
import type { Credentials, DenylistSetting } from "../credentials/mod.ts";
import type { VerdictMode } from "../identity/mod.ts";
import type { Discovery } from "../discovery/mod.ts";
import type { CallDefaults } from "./calls/call_settings.ts";
import type { TokenSource } from "./calls/token_source.ts";
import type { Balancer } from "./selection/balancer.ts";
import type { Lease } from "./fleet/lease.ts";
import type { DispatcherLimits } from "./limits.ts";

/** How a {@linkcode Dispatcher} finds workers, proves who they are and calls them. */
export interface DispatcherOptions extends WorkerSource, SharedDispatcherOptions {}

/** Where a dispatcher's workers come from, and the trust that holds for those and no others. */
export interface WorkerSource {
  /**
   * Where the workers are: a discovery URL such as `static:10.0.0.1:8443,10.0.0.2:8443`, or a
   * discovery.
   */
  readonly discovery: string | Discovery;
  /**
   * Who we are to them, and whom we trust. Default: none, which is plaintext: allowed on loopback,
   * unix sockets and in memory, warned about elsewhere, refused where `strict`.
   */
  readonly credentials?: Credentials | undefined;
  /**
   * How certificates are judged, ours included: `private` accepts what is safe and advises on the rest
   * (`credentials.advice`), `strict` refuses that, too. Default: `private`.
   */
  readonly verdict?: VerdictMode | undefined;
  /**
   * Peers that are refused although all else is well: a file of JSON,
   * `{"spiffeIds":[…],"serials":[…],"spkiSha256":[…]}`, which is watched, or the lists themselves. A peer that is
   * denied takes no new call. Default: none.
   */
  readonly denylist?: DenylistSetting | undefined;
  /**
   * Who they must prove to be, one pattern or several of which any will do. Default: the host name
   * in the configuration, which only `static:` and `dns:` discovery have.
   */
  readonly identity?: string | readonly string[] | undefined;
  /**
   * `signed`: only announcements are used that the worker signed with the key of its own certificate, at most
   * five minutes ago, which needs `credentials` with a CA, `identity`, and a discovery whose announcements carry data
   * (`local:`, `file:`, `lan:`, `etcd:`). Others are reported as `discovery.rejected`. Default: `any`.
   */
  readonly announcements?: "any" | "signed" | undefined;
  /**
   * How many of the workers found are used at most, and with an ordinal also which: dispatchers whose ordinals
   * differ divide the workers evenly among themselves. For each that cannot be connected for 5 s another one is used,
   * as many again at most, below `limits.maxWorkers`. Default: `limits.maxWorkers`.
   */
  readonly lease?: number | Lease | undefined;
}

/** What holds for every source of a dispatcher's workers. */
export interface SharedDispatcherOptions {
  /** Refuses plaintext over TCP. Default: `false`. */
  readonly strict?: boolean | undefined;
  /** The oldest TLS version spoken. Default: 1.3 where we show a certificate, else 1.2. */
  readonly minTlsVersion?: TlsVersion | undefined;
  /** The token that says who calls, or what gives the one of now. Default: none. */
  readonly token?: TokenSource | undefined;
  /** How calls are made that do not say otherwise. */
  readonly call?: CallDefaults | undefined;
  /**
   * Who takes a call, of the workers that can: `roundRobin()`, `powerOfTwo()`, or a function of your own,
   * which is asked for every call without an affinity where two workers or more can take it. Workers that
   * leave call after call unanswered are not offered for a while. Default: `powerOfTwo()`.
   */
  readonly balancer?: Balancer | undefined;
  /**
   * How many workers must take calls before the first call is made, so that the first one found does not get the
   * load of all: until then calls wait within their deadline, and those without one for 30 s. `ready()` waits
   * for as many. Default: 1, and a call waits for nothing but its own worker.
   */
  readonly quorum?: number | undefined;
  /**
   * Where to open an admin socket, for `selvage top` and `selvage rehearse`: a path, in a folder of mode 700 that is
   * made where it is not there. It shows this dispatcher to its own user, and changes nothing; on Deno alone. Default:
   * none.
   */
  readonly admin?: string | undefined;
  /** Timeouts and limits. */
  readonly limits?: DispatcherLimits | undefined;
}
