/**
 * The types of events, as users of the package see them.
 *
 * @module
 */
export type { Clock, TimerOptions } from "./clock.ts";
export type * from "./events/call_events.ts";
export type * from "./events/dispatch_events.ts";
export type { EventOf, EventType, SelvageEvent } from "./events/event.ts";
export type * from "./events/event_base.ts";
export type { EventStream } from "./events/event_stream.ts";
export type { CallOutcome } from "./metrics.ts";
export type * from "./events/security_events.ts";
export type * from "./events/worker_events.ts";
