import type { BlockedOutlet } from "./watch_loop.ts";

/** Shared by every copy of the package in this process. */
const OUTLET = Symbol.for("selvage.blocked-outlet");

/**
 * Says where workers of this process report a blocked event loop while it is blocked. Only the program
 * itself knows whether its standard output or error is for such lines.
 *
 * @param outlet The pool that has spawned this process, the structured log, or nowhere (the default).
 */
export function reportBlockedOn(outlet: BlockedOutlet): void {
  (globalThis as { [OUTLET]?: BlockedOutlet })[OUTLET] = outlet;
}

/** Where they do. */
export function blockedOutlet(): BlockedOutlet {
  return (globalThis as { readonly [OUTLET]?: BlockedOutlet })[OUTLET] ?? "none";
}
