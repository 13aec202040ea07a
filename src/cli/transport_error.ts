import { ConnectError } from "@connectrpc/connect";

/** The error of ours that a Connect client's error stands for, or that error itself. */
export function errorBehind(error: unknown): unknown {
  return error instanceof ConnectError && error.cause !== undefined ? error.cause : error;
}
