/**
 * The states of RFC 9113 §5.1 that exist without server push. `H` is HEADERS, `ES` the END_STREAM
 * flag, `R` RST_STREAM or the end of the connection.
 *
 * ```text
 *                 idle
 *                  │ H sent or received
 *                  ▼
 *      ES sent   open   ES received
 *    ┌───────────  │  ───────────┐        H with ES opens and half-closes at once
 *    ▼             │             ▼
 * half-closed-     │ R      half-closed-
 *    local         │           remote
 *    │             ▼             │
 *    └───────►  closed  ◄────────┘
 *  ES received           ES sent
 *      or R                or R
 * ```
 */
export type StreamState = "idle" | "open" | "half-closed-local" | "half-closed-remote" | "closed";

/** The state after we sent END_STREAM. */
export function afterSentEnd(state: StreamState): StreamState {
  return state === "half-closed-remote" || state === "closed" ? "closed" : "half-closed-local";
}

/** The state after END_STREAM was received. */
export function afterReceivedEnd(state: StreamState): StreamState {
  return state === "half-closed-local" || state === "closed" ? "closed" : "half-closed-remote";
}

/** Whether the peer may still send HEADERS and DATA. */
export function peerMaySend(state: StreamState): boolean {
  return state === "open" || state === "half-closed-local";
}

/** Whether we may still send HEADERS and DATA. */
export function weMaySend(state: StreamState): boolean {
  return state === "open" || state === "half-closed-remote" || state === "idle";
}
