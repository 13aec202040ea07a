import { type Clock, systemClock } from "./clock.ts";
import type { SelvageEvent, UnstampedEvent } from "./events/event.ts";
import type { ChannelSecurity } from "./events/event_base.ts";
import { EVENTS_BUFFERED, EventStream } from "./events/event_stream.ts";
import { EventLog } from "./events/event_log.ts";
import { Metrics } from "./metrics.ts";

/** What every layer emits its events to. */
export interface Observer {
  /**
   * Emits an event to the log, the metrics and every reader. Never throws.
   *
   * @param logged what the log shows besides, and no reader gets. Default: nothing.
   */
  emit(event: UnstampedEvent, logged?: Readonly<Record<string, unknown>>): void;
  /** The metrics that are not derived from events. */
  readonly metrics: Metrics;
  /** The same observer for another origin: a pool's dispatcher emits to the pool's readers. */
  as(origin: string): Observer;
}

/** The observer of one worker, dispatcher or pool: stamps events and hands them on. */
export class EventHub implements Observer, Disposable {
  /** The metrics, as registered when the hub was made. */
  readonly metrics: Metrics;
  readonly #origin: string;
  readonly #clock: Clock;
  readonly #log: EventLog;
  readonly #eventsBuffered: number;
  readonly #readers = new Set<EventStream>();
  #disposed = false;

  /** Makes a hub for `origin`, the id of the worker, dispatcher or pool. */
  constructor(origin: string, options: EventHubOptions = {}) {
    this.#origin = origin;
    this.#clock = options.clock ?? systemClock;
    this.#eventsBuffered = options.eventsBuffered ?? EVENTS_BUFFERED;
    this.metrics = options.metrics ?? new Metrics();
    this.#log = new EventLog(this.#clock);
  }

  /** Opens a reader that gets every event from now on. */
  events(): EventStream {
    const stream = new EventStream({
      capacity: this.#eventsBuffered,
      closed: (closed) => this.#readers.delete(closed),
      lost: () => this.metrics.eventDropped(),
    });
    if (this.#disposed) stream.end();
    else this.#readers.add(stream);
    return stream;
  }

  /** Stamps the event and hands it to the log, the metrics and every reader. */
  emit(event: UnstampedEvent, logged?: Readonly<Record<string, unknown>>): void {
    this.#emit(event, this.#origin, logged);
  }

  /** An observer that stamps another origin and emits to the same readers. */
  as(origin: string): Observer {
    return {
      emit: (event, logged) => this.#emit(event, origin, logged),
      metrics: this.metrics,
      as: (other) => this.as(other),
    };
  }

  /** Ends every reader once it has read what is buffered. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#log.flush();
    for (const reader of this.#readers) reader.end();
    this.#readers.clear();
  }

  #emit(
    unstamped: UnstampedEvent,
    origin: string,
    logged: Readonly<Record<string, unknown>> | undefined,
  ): void {
    const at = new Date(this.#clock.now()).toISOString();
    const event = { ...unstamped, at, origin } as SelvageEvent;
    count(this.metrics, event);
    this.#log.write(event, logged);
    for (const reader of this.#readers) reader.push(event);
  }
}

/** Settings of an {@linkcode EventHub}. */
export interface EventHubOptions {
  /** The clock that stamps events. Default: the machine's. */
  readonly clock?: Clock;
  /** The metrics. Default: through the OpenTelemetry provider that is registered now. */
  readonly metrics?: Metrics;
  /** Events kept for each reader; the oldest beyond are dropped. Default 1,024. */
  readonly eventsBuffered?: number;
}

/** Several metrics are the number of certain events, so that neither can be forgotten. */
function count(metrics: Metrics, event: SelvageEvent): void {
  switch (event.type) {
    case "peer.accepted":
      if (event.keyExchange !== undefined) metrics.keyExchange(event.side, event.keyExchange);
      return metrics.handshake(event.side, "ok", isTls(event.security) ? event.side : undefined);
    case "handshake.failed":
      return metrics.handshake(event.side, event.reason, "dispatcher");
    case "handshake.refused":
      return metrics.handshake(event.side, event.reason, "worker");
    case "dispatch.denied":
      return metrics.denied("authorization");
    case "dispatch.unauthenticated":
      return metrics.denied("authentication");
    case "dispatch.retried":
      return metrics.retried(event.cause);
  }
}

function isTls(security: ChannelSecurity): boolean {
  return security === "mutual-tls" || security === "one-way-tls";
}
