import { Code, ConnectError } from "@connectrpc/connect";
import type { RpcLimits } from "./limits.ts";

// Worded as connect-es words them, so that a caller cannot tell the paths apart.

/** The call's time ran out. */
export function timedOut(): ConnectError {
  return new ConnectError("the operation timed out", Code.DeadlineExceeded);
}

/** The request took longer to arrive than it may. */
export function arrivedTooLate(): ConnectError {
  return new ConnectError("the request did not arrive in time", Code.DeadlineExceeded);
}

/** A message is larger than may be sent. */
export function tooLargeToSend(length: number, { sendBytes }: RpcLimits): ConnectError {
  return new ConnectError(
    `message size ${length} is larger than configured writeMaxBytes ${sendBytes}`,
    Code.ResourceExhausted,
  );
}

/** A message is larger than may be received. */
export function tooLargeToReceive({ messageBytes }: RpcLimits): ConnectError {
  return new ConnectError(
    `message size is larger than configured readMaxBytes ${messageBytes}`,
    Code.ResourceExhausted,
  );
}

/** An envelope declares a message that is larger than may be received. */
export function messageTooLarge(length: number, messageBytes: number): ConnectError {
  return new ConnectError(
    `message size ${length} is larger than configured readMaxBytes ${messageBytes}`,
    Code.ResourceExhausted,
  );
}

/**
 * How many bytes its receiver takes, where a call failed because a message was larger; `undefined` for other failures.
 * The words are those of connect-es, which gives no other sign, and of this file.
 */
export function mostBytesTaken({ code, rawMessage }: ConnectError): number | undefined {
  const found = code === Code.ResourceExhausted ? TOO_LARGE.exec(rawMessage) : null;
  return found === null ? undefined : Number(found[1]);
}

const TOO_LARGE = /^message size (?:\d+ )?is larger than configured readMaxBytes (\d+)/;

/** A message is compressed, and it was not said how. */
export function notDecompressible(): ConnectError {
  return new ConnectError(
    "received compressed envelope, but do not know how to decompress",
    Code.Internal,
  );
}

/** A response's header or trailer section has what no header field may have. */
export function invalidFields(): ConnectError {
  return new ConnectError("the response's header fields are not valid", Code.Internal);
}

/** What is recorded of a call whose answer connect-es did not write: it keeps why to itself. Nobody is sent it. */
export function notAnswered(): ConnectError {
  return new ConnectError(
    "the answer was not sent: it cannot be written, or an interceptor of the service failed",
    Code.Internal,
  );
}

/** Why there are no more requests of a call that has failed. What was thrown may itself throw where it is read. */
export function callFailed(thrown: unknown): ConnectError {
  try {
    if (thrown instanceof ConnectError) return thrown;
  } catch {
    // Not one of Connect.
  }
  return new ConnectError("the call has failed", Code.Canceled);
}
