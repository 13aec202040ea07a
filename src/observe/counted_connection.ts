import type { ConnectionState, Metrics } from "./metrics.ts";

/** Where a connection stands, as HTTP/2 reports it. */
export type OpenState = "open" | "draining" | "closed";

/**
 * Counts a connection in the metrics for as long as it is there.
 *
 * @param first where it stands now. Default: `ready`.
 * @returns What is to be called whenever its state changes, until it is `closed`.
 */
export function countedConnection(
  metrics: Metrics,
  first: ConnectionState = "ready",
): (state: OpenState) => void {
  let current: ConnectionState | undefined = first;
  metrics.connectionMoved(undefined, first);
  return (state) => {
    if (current === undefined) return;
    const next = COUNTED[state];
    metrics.connectionMoved(current, next);
    current = next;
  };
}

const COUNTED: Readonly<Record<OpenState, ConnectionState | undefined>> = {
  open: "ready",
  draining: "draining",
  closed: undefined,
};
