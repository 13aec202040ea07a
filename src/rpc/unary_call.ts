import type { DescMethodUnary } from "@bufbuild/protobuf";
import type { ClientConnection, HeaderList } from "../http2/mod.ts";
import type { RpcLimits } from "./limits.ts";

/** How a prepared request is made. */
export interface PrepareUnaryOptions {
  /** Default: `connect`. */
  readonly protocol?: "connect" | "grpc";
  /** The `:authority`. Default: `selvage`. */
  readonly authority?: string;
  /** The `:scheme`. Default: `https`. */
  readonly scheme?: "https" | "http";
  /** Fields sent with every request, names in lower case. Default: none. */
  readonly fields?: HeaderList;
  /** Overrides of the default limits. */
  readonly limits?: Partial<RpcLimits>;
}

/** A unary request without its message: header lists that are made once and sent many times. */
export interface PreparedUnary {
  readonly method: DescMethodUnary;
  /** The header section for a call of that time, the same list each time. */
  fields(timeoutMs: number | undefined): HeaderList;
}

/** How one unary call is made. */
export interface UnaryCallOptions {
  /** The time it has, in whole milliseconds. Default: no limit. */
  readonly timeoutMs?: number | undefined;
  /** Cancels the call; the promise then rejects with a `ConnectError` that has the signal's reason as its cause. */
  readonly signal?: AbortSignal | undefined;
}

/** Prepares the requests of a unary method. Keep what it returns as long as such calls are made. */
export function prepareUnary(
  _method: DescMethodUnary,
  _options: PrepareUnaryOptions = {},
): PreparedUnary {
  throw new Error("prepareUnary is not there yet");
}

/**
 * Makes a unary call in binary form on the fast lane: bytes in, bytes out.
 *
 * @returns the bytes of the response message.
 * @throws {ConnectError} with details and metadata where the peer answered with an error; `notBegun` and
 * `connectionLost` tell what became of a call that was not answered.
 */
export function callUnaryBytes(
  _connection: ClientConnection,
  _request: PreparedUnary,
  _message: Uint8Array,
  _options: UnaryCallOptions = {},
): Promise<Uint8Array> {
  throw new Error("callUnaryBytes is not there yet");
}
