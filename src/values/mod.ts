/**
 * Small functions on values that the language lacks; they import nothing, and every folder but `contract/` may use
 * them.
 *
 * @module
 */
export { allocate, allocateWithRoom, withHead } from "./allocate.ts";
export { durationText } from "./duration_text.ts";
export { type AbortEvents, Ending } from "./ending.ts";
export { fillsLargeBuffer, isOfLargeBuffer, largeBuffer } from "./large_buffers.ts";
export { freeBuffer, freeGivenAway, joined, NO_BYTES } from "./octets.ts";
export { onAbort } from "./on_abort.ts";
export { type Present, present } from "./present.ts";
export { asError, messageOf } from "./thrown.ts";
export { untilAborted } from "./until_aborted.ts";
export { readingTime, readTogether } from "./reading_time.ts";
export { ReadyItems, Taken } from "./ready_items.ts";
export { RecentValues } from "./recent_values.ts";
export { type Member, Ring } from "./ring.ts";
