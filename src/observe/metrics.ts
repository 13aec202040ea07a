import {
  type Attributes,
  createNoopMeter,
  type Meter,
  metrics,
  type ObservableGauge,
  type UpDownCounter,
} from "@opentelemetry/api";
import type { HandshakeSide } from "../errors/mod.ts";
import type { CallKind } from "./events/event_base.ts";
import type { RetryCause } from "./events/dispatch_events.ts";
import type { PrometheusMetrics } from "./prometheus.ts";
import type { RefusalReason } from "./events/security_events.ts";

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

/** The code of an outcome, as gRPC names it: the `rpc.response.status_code` of a call. */
export const STATUS_CODES: Readonly<Record<CallOutcome, string>> = {
  "ok": "OK",
  "routine-error": "UNKNOWN",
  "cancelled": "CANCELLED",
  "deadline": "DEADLINE_EXCEEDED",
  "denied": "PERMISSION_DENIED",
  "unauthenticated": "UNAUTHENTICATED",
  "overloaded": "RESOURCE_EXHAUSTED",
  "unknown-routine": "UNIMPLEMENTED",
  "invalid-payload": "INVALID_ARGUMENT",
  "handshake": "UNAVAILABLE",
  "unavailable": "UNAVAILABLE",
  "internal": "INTERNAL",
};

/** A call, as its instruments label it. */
export interface CountedCall {
  /** The end that counts it. */
  readonly side: HandshakeSide;
  /** What is called. */
  readonly kind: CallKind;
  /** A name that we serve or call ourselves, never a peer's text. */
  readonly routine: string;
}

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
  readonly #callLabels = new Map<string, Map<CallOutcome, CallLabels>>();

  /** Creates the instruments on `meter`, by default that of the registered provider. */
  constructor(meter: Meter = metrics.getMeter("@selvage/runtime")) {
    this.recording = meter !== createNoopMeter();
    this.#instruments = instrumentsOf.get(meter) ?? instruments(meter);
    instrumentsOf.set(meter, this.#instruments);
  }

  /** Records on the registered provider, and keeps everything to be scraped besides. */
  static besides(scraped: PrometheusMetrics): Metrics {
    return new Metrics(scraped.besides(metrics.getMeter("@selvage/runtime")));
  }

  /**
   * Counts a finished handshake, with `ok` where the peer was accepted, and `probe` where a
   * dispatcher only read our certificate.
   *
   * @param side the side that would not go on; of an accepted peer, our own.
   * @param end our own side, where the connection is one of TLS: it counts for gRPC's instruments too.
   */
  handshake(
    side: HandshakeSide,
    reason: RefusalReason | "ok" | "probe",
    end?: HandshakeSide,
  ): void {
    if (!this.recording) return;
    const { handshakes, clientTls, serverTls } = this.#instruments;
    handshakes.add(1, { side, reason });
    if (end === undefined) return;
    const result = reason === "ok" ? "success" : reason;
    (end === "worker" ? serverTls : clientTls).add(1, { "grpc.tls.handshake.result": result });
  }

  /** Counts a connection that was accepted over TLS, by the group of its key exchange. */
  keyExchange(side: HandshakeSide, group: string): void {
    if (this.recording) this.#instruments.keyExchanges.add(1, { side, group });
  }

  callBegan(side: HandshakeSide): void {
    if (this.recording) this.#instruments.inFlight.add(1, SIDES[side]);
  }

  /** A call that began has ended. */
  callEnded(call: CountedCall, outcome: CallOutcome, durationMs: number): void {
    if (!this.recording) return;
    const { own, rpc } = this.#labels(call, outcome);
    const { inFlight, calls, duration, clientCall, serverCall } = this.#instruments;
    inFlight.add(-1, SIDES[call.side]);
    calls.add(1, own);
    duration.record(durationMs / 1000, own);
    (call.side === "worker" ? serverCall : clientCall).record(durationMs / 1000, rpc);
  }

  /** The calls that wait for a thread are more, or fewer, by `change`. */
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
    return this.#watch(this.#instruments.secondsLeft, secondsLeft);
  }

  /** The same of the certificate that ends first among those of the peers that are connected. */
  watchPeerSecondsLeft(secondsLeft: () => number | undefined): Disposable {
    return this.#watch(this.#instruments.peerSecondsLeft, secondsLeft);
  }

  /** The same of the longest delay of the event loop since it was asked last, in seconds. */
  watchEventLoopDelay(delaySeconds: () => number | undefined): Disposable {
    return this.#watch(this.#instruments.eventLoopDelay, delaySeconds);
  }

  #watch(gauge: ObservableGauge, value: () => number | undefined): Disposable {
    if (!this.recording) return { [Symbol.dispose]: () => {} };
    const observe = (result: { observe(value: number): void }): void => {
      const now = value();
      if (now !== undefined) result.observe(now);
    };
    gauge.addCallback(observe);
    return { [Symbol.dispose]: () => gauge.removeCallback(observe) };
  }

  #labels(call: CountedCall, outcome: CallOutcome): CallLabels {
    const key = `${call.side} ${call.kind} ${call.routine}`;
    let outcomes = this.#callLabels.get(key);
    if (outcomes === undefined) {
      if (this.#callLabels.size >= ROUTINE_LABELS && call.routine !== OTHER_ROUTINE) {
        return this.#labels({ ...call, routine: OTHER_ROUTINE }, outcome);
      }
      outcomes = new Map();
      this.#callLabels.set(key, outcomes);
    }
    let labels = outcomes.get(outcome);
    if (labels === undefined) {
      labels = labelsOf(call, outcome);
      outcomes.set(outcome, labels);
    }
    return labels;
  }
}

interface CallLabels {
  /** Of our own instruments. */
  readonly own: Attributes;
  /** Of those that OpenTelemetry's conventions name. */
  readonly rpc: Attributes;
}

const SIDES: Readonly<Record<HandshakeSide, Attributes>> = {
  worker: { side: "worker" },
  dispatcher: { side: "dispatcher" },
};

function labelsOf({ side, kind, routine }: CountedCall, outcome: CallOutcome): CallLabels {
  return {
    own: { side, routine, outcome },
    rpc: {
      ...rpcAttributes(kind, routine),
      "rpc.response.status_code": STATUS_CODES[outcome],
      ...(outcome === "ok" ? {} : { "error.type": outcome }),
    },
  };
}

/** What OpenTelemetry's conventions for RPC say of a call, on spans and in metrics. */
export function rpcAttributes(kind: CallKind, routine: string): Attributes {
  return {
    "rpc.system.name": kind === "service" ? "connectrpc" : "selvage",
    "rpc.method": routine,
  };
}

type Instruments = ReturnType<typeof instruments>;

/** Those of each meter are made once: a process may open any number of dispatchers. */
const instrumentsOf = new WeakMap<Meter, Instruments>();

function instruments(meter: Meter) {
  return {
    handshakes: meter.createCounter("selvage.handshakes", {
      description: "Finished handshakes by side and reason, `ok` where the peer was accepted",
    }),
    keyExchanges: meter.createCounter("selvage.key_exchanges", {
      description: "Connections accepted over TLS by side and group of the key exchange",
    }),
    secondsLeft: meter.createObservableGauge("selvage.credentials.seconds_left", {
      description: "Time until our own certificate ends, or its chain where that ends sooner",
      unit: "s",
    }),
    clientTls: meter.createCounter("grpc.client.tls.handshakes", {
      description: "Finished TLS handshakes of dispatchers by result (gRFC A118)",
    }),
    serverTls: meter.createCounter("grpc.server.tls.handshakes", {
      description: "Finished TLS handshakes of workers by result (gRFC A118)",
    }),
    peerSecondsLeft: meter.createObservableGauge("selvage.peer.seconds_left", {
      description: "Time until the first certificate of a connected peer expires",
      unit: "s",
    }),
    eventLoopDelay: meter.createObservableGauge("selvage.event_loop.delay", {
      description: "Longest delay of the event loop since the last collection",
      unit: "s",
    }),
    calls: meter.createCounter("selvage.calls", {
      description: "Finished calls by side, routine and outcome",
    }),
    clientCall: meter.createHistogram("rpc.client.call.duration", {
      description: "Duration of calls made, by OpenTelemetry's conventions",
      unit: "s",
      advice: { explicitBucketBoundaries: DURATION_BUCKETS },
    }),
    serverCall: meter.createHistogram("rpc.server.call.duration", {
      description: "Duration of calls served, by OpenTelemetry's conventions",
      unit: "s",
      advice: { explicitBucketBoundaries: DURATION_BUCKETS },
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
      description: "Calls that wait for a thread",
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
