/**
 * What Selvage reports about itself: events, logs, metrics, spans.
 *
 * @module
 */
export * from "./events/call_events.ts";
export * from "./call_record.ts";
export * from "./call_span.ts";
export { type CertificateStage, certificateStage } from "./certificate_stage.ts";
export * from "./clock.ts";
export { type Backoff, backoffMs, pause } from "./pause.ts";
export * from "./counted_connection.ts";
export * from "./events/dispatch_events.ts";
export * from "./events/event.ts";
export * from "./events/event_base.ts";
export * from "./event_loop_delay.ts";
export * from "./events/event_stream.ts";
export * from "./faults.ts";
export * from "./handshake_counts.ts";
export * from "./logger.ts";
export * from "./metrics.ts";
export * from "./observer.ts";
export * from "./peer_expiry.ts";
export * from "./prometheus.ts";
export { redacted } from "./redaction.ts";
export * from "./events/security_events.ts";
export * from "./events/worker_events.ts";
