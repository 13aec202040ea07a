import {
  type Attributes,
  createNoopMeter,
  type Histogram,
  type Meter,
  metrics,
  type ObservableGauge,
  type UpDownCounter,
} from "@opentelemetry/api";
import type { Counter } from "@opentelemetry/api";
import type { HandshakeSide } from "../errors/mod.ts";
import type { RetryCause } from "./dispatch_events.ts";
import type { RefusalReason } from "./security_events.ts";

/** How a call ended, as the `outcome` label of `selvage.calls`. */
export type CallOutcome =
  | "ok"
  | "routine-error"
  | "cancelled"
  | "deadline"
  | "denied"
  | "unauthenticated"
  | "overloaded"
  | "unknown-routine"
  | "invalid-payload"
  | "handshake"
  | "unavailable"
  | "internal";

/** Which gate refused a call. */
export type DenialKind = "authorization" | "authentication";

/** Where a connection stands. */
export type ConnectionState = "connecting" | "ready" | "draining";

/** Where a dispatcher's or a pool's worker stands. */
export type WorkerState = "connecting" | "ready" | "failing" | "draining";

/** Routine names beyond this many share one label, whatever is called. */
const ROUTINE_LABELS = 1024;
const OTHER_ROUTINE = "(other)";

/**
 * The metrics, through whichever OpenTelemetry meter provider is registered when this is made.
 * Without one nothing is recorded and {@linkcode Metrics.recording} is false, so that a hot path
 * asks once and does nothing. No label names a worker or a peer.
 */
export class Metrics {
  /** Whether a meter provider was registered. */
  readonly recording: boolean;
  readonly #instruments: Instruments;
  readonly #callLabels = new Map<string, Map<CallOutcome, Attributes>>();

  /** Creates the instruments on `meter`, by default that of the registered provider. */
  constructor(meter: Meter = metrics.getMeter("@selvage/runtime")) {
    this.recording = meter !== createNoopMeter();
    this.#instruments = instruments(meter);
  }

  /** Counts a finished handshake, with `ok` where the peer was accepted. */
  handshake(side: HandshakeSide, reason: RefusalReason | "ok"): void {
    if (this.recording) this.#instruments.handshakes.add(1, { side, reason });
  }

  /** A call began. */
  callBegan(): void {
    if (this.recording) this.#instruments.inFlight.add(1);
  }

  /** A call that began has ended. `routine` is a name we serve or call ourselves, never a peer's text. */
  callEnded(routine: string, outcome: CallOutcome, durationMs: number): void {
    if (!this.recording) return;
    const labels = this.#labels(routine, outcome);
    this.#instruments.inFlight.add(-1);
    this.#instruments.calls.add(1, labels);
    this.#instruments.duration.record(durationMs / 1000, labels);
  }

  /** The admission queue grew or shrank by `change` calls. */
  queued(change: number): void {
    if (this.recording) this.#instruments.queue.add(change);
  }

  /** A call went to another worker. */
  retried(cause: RetryCause): void {
    if (this.recording) this.#instruments.retries.add(1, { cause });
  }

  /** A call was refused. */
  denied(kind: DenialKind): void {
    if (this.recording) this.#instruments.denials.add(1, { kind });
  }

  /** A connection went from one state to another; `undefined` is before it was and after it is gone. */
  connectionMoved(from: ConnectionState | undefined, to: ConnectionState | undefined): void {
    if (this.recording) moved(this.#instruments.connections, from, to);
  }

  /** A worker went from one state to another; `undefined` is before it was known and after. */
  workerMoved(from: WorkerState | undefined, to: WorkerState | undefined): void {
    if (this.recording) moved(this.#instruments.workers, from, to);
  }

  /** An event was dropped because its reader fell behind. */
  eventDropped(): void {
    if (this.recording) this.#instruments.dropped.add(1);
  }

  /**
   * Reports `secondsLeft()`, the seconds until our certificate expires, whenever metrics are
   * collected, until the result is disposed of. `undefined` reports nothing.
   */
  watchSecondsLeft(secondsLeft: () => number | undefined): Disposable {
    if (!this.recording) return { [Symbol.dispose]: () => {} };
    const gauge = this.#instruments.secondsLeft;
    const observe = (result: { observe(value: number): void }): void => {
      const seconds = secondsLeft();
      if (seconds !== undefined) result.observe(seconds);
    };
    gauge.addCallback(observe);
    return { [Symbol.dispose]: () => gauge.removeCallback(observe) };
  }

  #labels(routine: string, outcome: CallOutcome): Attributes {
    let outcomes = this.#callLabels.get(routine);
    if (outcomes === undefined) {
      if (this.#callLabels.size >= ROUTINE_LABELS && routine !== OTHER_ROUTINE) {
        return this.#labels(OTHER_ROUTINE, outcome);
      }
      outcomes = new Map();
      this.#callLabels.set(routine, outcomes);
    }
    let labels = outcomes.get(outcome);
    if (labels === undefined) {
      labels = { routine, outcome };
      outcomes.set(outcome, labels);
    }
    return labels;
  }
}

interface Instruments {
  readonly handshakes: Counter;
  readonly secondsLeft: ObservableGauge;
  readonly calls: Counter;
  readonly duration: Histogram;
  readonly inFlight: UpDownCounter;
  readonly queue: UpDownCounter;
  readonly retries: Counter;
  readonly denials: Counter;
  readonly connections: UpDownCounter;
  readonly workers: UpDownCounter;
  readonly dropped: Counter;
}

function instruments(meter: Meter): Instruments {
  return {
    handshakes: meter.createCounter("selvage.handshakes", {
      description: "Finished handshakes by side and reason, `ok` where the peer was accepted",
    }),
    secondsLeft: meter.createObservableGauge("selvage.credentials.seconds_left", {
      description: "Time until our own certificate expires",
      unit: "s",
    }),
    calls: meter.createCounter("selvage.calls", {
      description: "Finished calls by routine and outcome",
    }),
    duration: meter.createHistogram("selvage.call.duration", {
      description: "Duration of finished calls",
      unit: "s",
      advice: { explicitBucketBoundaries: DURATION_BUCKETS },
    }),
    inFlight: meter.createUpDownCounter("selvage.calls.in_flight", {
      description: "Calls that have begun and not ended",
    }),
    queue: meter.createUpDownCounter("selvage.queue", {
      description: "Calls waiting for admission",
    }),
    retries: meter.createCounter("selvage.retries", {
      description: "Calls that went to another worker, by cause",
    }),
    denials: meter.createCounter("selvage.denials", {
      description: "Calls refused before the routine, by the gate that refused",
    }),
    connections: meter.createUpDownCounter("selvage.connections", {
      description: "Connections by state",
    }),
    workers: meter.createUpDownCounter("selvage.workers", { description: "Workers by state" }),
    dropped: meter.createCounter("selvage.events.dropped", {
      description: "Events dropped because their reader fell behind",
    }),
  };
}

/** From a tenth of a millisecond, an echo on loopback, to the default deadline and beyond. */
const DURATION_BUCKETS = [
  0.0001,
  0.00025,
  0.0005,
  0.001,
  0.0025,
  0.005,
  0.01,
  0.025,
  0.05,
  0.1,
  0.25,
  0.5,
  1,
  2.5,
  5,
  10,
  30,
  60,
];

function moved(counter: UpDownCounter, from: string | undefined, to: string | undefined): void {
  if (from === to) return;
  if (from !== undefined) counter.add(-1, { state: from });
  if (to !== undefined) counter.add(1, { state: to });
}
