/**
 * Noticing when a routine blocks the event loop of its worker.
 *
 * @module
 */
export { LoopWatchdog } from "./loop_watchdog.ts";
export { reportBlockedOn } from "./outlet.ts";
