/**
 * The types of events, as users of the package see them.
 *
 * @module
 */
export type { Clock, TimerOptions } from "./clock.ts";
export type * from "./call_events.ts";
export type * from "./dispatch_events.ts";
export type { EventOf, EventType, SelvageEvent } from "./event.ts";
export type * from "./event_base.ts";
export type { EventStream } from "./event_stream.ts";
export type { CallOutcome } from "./metrics.ts";
export type * from "./security_events.ts";
export type * from "./worker_events.ts";
