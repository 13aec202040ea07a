/** Workers and dispatchers with whatever certificates a test gives them, and what each of them reports. */
import { createNoopMeter, type Meter, metrics } from "@opentelemetry/api";
import { credentialsFrom } from "../../src/credentials/mod.ts";
import { routine } from "../../src/contract/mod.ts";
import { Dispatcher, type DispatcherOptions } from "../../src/dispatch/mod.ts";
import { HandshakeError } from "../../src/errors/mod.ts";
import type {
  EventStream,
  EventType,
  HandshakeFailed,
  SelvageEvent,
} from "../../src/observe/mod.ts";
import { WorkerServer, type WorkerServerOptions } from "../../src/worker/mod.ts";
import { materialOf, type Shown, TurnableSource, WORKER_ID } from "../support/peers.ts";

/** The one routine that is served. */
export const add = routine("math.add", (a: number, b: number) => a + b);

/** Clients that workers allow. */
const ALLOWED = "spiffe://example.org/client/a";

/** How long a handshake may take: a busy machine takes its time, and a test of a silent peer sets its own. */
const handshakeTimeoutMs = 60_000;
/** No worker is dialled again while a test runs, so that each failure is one handshake with one event. */
const NO_RETRY = { shortestBackoffMs: 3_600_000, longestBackoffMs: 3_600_000 };

/** Starts a worker that shows what it is given, whatever is wrong with that. */
export function startWorker(
  shown: Shown | undefined,
  options: Partial<WorkerServerOptions> = {},
): Promise<WorkerServer> {
  const mutual = shown !== undefined && shown.oneWay !== true;
  return WorkerServer.start({
    routines: { add },
    ...(shown === undefined ? {} : { credentials: credentialsOf(shown) }),
    ...(mutual ? { allow: ALLOWED } : {}),
    ...options,
    limits: { handshakeTimeoutMs, ...options.limits },
  });
}

/** Opens a dispatcher that shows what it is given, whatever is wrong with that. */
export function openDispatcher(
  shown: Shown | undefined,
  addresses: string | readonly string[],
  options: Partial<DispatcherOptions> = {},
): Promise<Dispatcher> {
  return Dispatcher.open({
    discovery: `static:${typeof addresses === "string" ? addresses : addresses.join(",")}`,
    ...(shown === undefined ? {} : { credentials: credentialsOf(shown), identity: WORKER_ID }),
    ...options,
    limits: { ...NO_RETRY, handshakeTimeoutMs, ...options.limits },
  });
}

/** Credentials of which our own checks see a flawless certificate, and a peer the one that is shown. */
export function credentialsOf(shown: Shown): ReturnType<typeof credentialsFrom> {
  return credentialsFrom(() => Promise.resolve(new TurnableSource(materialOf(shown))));
}

/** The result of a call that no worker took, in the error and in the event. */
export interface FailedCall {
  readonly error: HandshakeError;
  readonly event: HandshakeFailed;
}

/** Makes one call, which must fail in its handshake. */
export async function failedCall(dispatcher: Dispatcher): Promise<FailedCall> {
  using events = dispatcher.events();
  let error: unknown;
  try {
    await dispatcher.call(add, [1, 2]);
  } catch (thrown) {
    error = thrown;
  }
  if (error instanceof HandshakeError) {
    return { error, event: await next(events, "handshake.failed") };
  }
  throw error ?? new TypeError("the call succeeded");
}

/** The next event of one type. */
export async function next<Type extends EventType>(
  events: EventStream,
  type: Type,
): Promise<Extract<SelvageEvent, { readonly type: Type }>> {
  for (;;) {
    const { done, value } = await events.next();
    if (done) throw new TypeError(`the events ended without ${type}`);
    if (value.type === type) return value as Extract<SelvageEvent, { readonly type: Type }>;
  }
}

const counted = new Map<string, number>();

/**
 * Counts handshakes from now on, for every worker and dispatcher that is made in this process.
 *
 * @returns what was counted since it was asked last, `SIDE REASON` and how often, in order of the words.
 */
export function countHandshakes(): () => Readonly<Record<string, number>> {
  metrics.disable();
  const nothing = () => ({ add: () => {}, record: () => {} });
  const meter: Meter = Object.assign(Object.create(createNoopMeter()), {
    createCounter: (name: string) => name === "selvage.handshakes" ? { add: count } : nothing(),
    createUpDownCounter: nothing,
    createHistogram: nothing,
    createObservableGauge: () => ({ addCallback: () => {}, removeCallback: () => {} }),
  });
  metrics.setGlobalMeterProvider({ getMeter: () => meter });
  return () => {
    const counts = Object.fromEntries([...counted].sort());
    counted.clear();
    return counts;
  };
}

function count(value: number, { side, reason }: Record<string, unknown>): void {
  const key = `${side} ${reason}`;
  counted.set(key, (counted.get(key) ?? 0) + value);
}
