import type { Interceptor, Transport } from "@connectrpc/connect";
import type { RpcProtocol } from "./admission.ts";
import type { CompressionName } from "./compression.ts";
import type { RpcLimits } from "./limits.ts";
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
  /** The compressions that responses may have. Default: `gzip` and `br`. */
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
  /** Overrides of the default limits. */
  readonly limits?: Partial<RpcLimits>;
}

/** A connect-es transport on our own HTTP/2 connections, for `createClient`. */
export function createTransport(_options: TransportOptions): Transport {
  throw new Error("createTransport is not there yet");
}
