import { DeadlineExceeded } from "../../errors/mod.ts";
import type { AbortReason } from "./messages.ts";

/** A signal's reason, ready to cross into a thread. */
export function crossing(reason: unknown): AbortReason {
  if (reason instanceof DeadlineExceeded) {
    return { name: reason.name, message: reason.message, timeoutMs: reason.timeoutMs };
  }
  return reason instanceof Error
    ? { name: reason.name, message: reason.message }
    : { name: "AbortError", message: "the caller cancelled the call" };
}

/** A signal's reason, rebuilt in the thread. */
export function crossed({ name, message, timeoutMs }: AbortReason): Error {
  return timeoutMs === undefined
    ? new DOMException(message, name)
    : new DeadlineExceeded(timeoutMs);
}
