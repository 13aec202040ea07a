import type { Interceptor } from "@connectrpc/connect";
import type { CompressionName } from "../wire/compression.ts";
import type { JsonOptions } from "../wire/json_options.ts";
import type { RpcLimits } from "../wire/limits.ts";
import type { RpcProtocol } from "../wire/protocol.ts";
import type { Place } from "./placement.ts";

/** How a transport calls. */
export interface TransportOptions {
  /** Chooses the connection of each call. */
  readonly place: Place;
  /** Default: `connect`. */
  readonly protocol?: RpcProtocol;
  /** Default: `binary`. */
  readonly format?: "binary" | "json";
  /** The compression of requests. Default: none. */
  readonly compression?: CompressionName;
  /** The compressions that responses may have. Default: all, `gzip` first. */
  readonly acceptCompression?: readonly CompressionName[];
  /** Where there is one, every call takes the plain path. Default: none. */
  readonly interceptors?: readonly Interceptor[];
  /** The time of a call that names none, in milliseconds. Default: no limit. */
  readonly timeoutMs?: number;
  /** Whether methods without side effects are called with GET; Connect only. Default: `false`. */
  readonly useHttpGet?: boolean;
  /** The `:authority` where a placement names none. Default: `selvage`. */
  readonly authority?: string;
  /** The `:scheme`. Default: `https`. */
  readonly scheme?: "https" | "http";
  /** How messages are read from and written to JSON; a registry for `Any`, for instance. Default: as connect-es. */
  readonly json?: JsonOptions;
  /** Overrides of the default limits. */
  readonly limits?: Partial<RpcLimits>;
}
