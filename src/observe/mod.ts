/**
 * What Selvage tells of itself: events, logs, metrics, spans.
 *
 * @module
 */
export * from "./call_events.ts";
export { outcomeOf } from "./call_outcome.ts";
export * from "./call_record.ts";
export * from "./call_span.ts";
export * from "./clock.ts";
export * from "./counted_connection.ts";
export * from "./dispatch_events.ts";
export * from "./event.ts";
export * from "./event_base.ts";
export * from "./event_loop_delay.ts";
export * from "./event_stream.ts";
export * from "./faults.ts";
export * from "./handshake_counts.ts";
export * from "./logger.ts";
export * from "./metrics.ts";
export * from "./observer.ts";
export * from "./peer_expiry.ts";
export * from "./prometheus.ts";
export * from "./security_events.ts";
export * from "./worker_events.ts";
