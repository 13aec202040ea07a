import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorCode } from "../../src/http2/mod.ts";
import { StreamFailure } from "../../src/rpc/mod.ts";

/** A call whose connection is lost while it runs, as `rpc/` reports it. */
export function lostCall(): ConnectError {
  return streamFailure("connection-lost");
}

/** A call that came too late for its connection, as `rpc/` reports it. */
export function refusedCall(): ConnectError {
  return streamFailure("not-processed");
}

function streamFailure(how: "connection-lost" | "not-processed"): ConnectError {
  const cause = new StreamFailure({ how, code: ErrorCode.NO_ERROR });
  return new ConnectError("failed", Code.Unavailable, undefined, undefined, cause);
}
