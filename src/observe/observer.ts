import { type Clock, systemClock } from "./clock.ts";
import type { SelvageEvent, UnstampedEvent } from "./event.ts";
import { EVENTS_BUFFERED, EventStream } from "./event_stream.ts";
import { EventLog } from "./event_log.ts";
import { Metrics } from "./metrics.ts";

/** What the layers tell their news to. */
export interface Observer {
  /** Tells an event to the log, the metrics and every reader. Never throws. */
  emit(event: UnstampedEvent): void;
  /** The metrics that are not derived from events. */
  readonly metrics: Metrics;
  /** The same observer for another origin: a pool's dispatcher tells the pool's readers. */
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
  emit(event: UnstampedEvent): void {
    this.#tell(event, this.#origin);
  }

  /** An observer that stamps another origin and tells the same readers. */
  as(origin: string): Observer {
    return {
      emit: (event) => this.#tell(event, origin),
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

  #tell(unstamped: UnstampedEvent, origin: string): void {
    const at = new Date(this.#clock.now()).toISOString();
    const event = { ...unstamped, at, origin } as SelvageEvent;
    count(this.metrics, event);
    this.#log.write(event);
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
      return metrics.handshake(event.side, "ok");
    case "handshake.failed":
    case "handshake.refused":
      return metrics.handshake(event.side, event.reason);
    case "dispatch.denied":
      return metrics.denied("authorization");
    case "dispatch.unauthenticated":
      return metrics.denied("authentication");
    case "dispatch.retried":
      return metrics.retried(event.cause);
  }
}
