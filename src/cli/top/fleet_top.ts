import { createClient } from "@connectrpc/connect";
import type { WorkerSnapshot } from "../../contract/mod.ts";
import type { Dispatcher } from "../../dispatch/mod.ts";
import { HandshakeError } from "../../errors/mod.ts";
import { WorkerService } from "../../gen/mod.ts";
import { durationText } from "../../values/mod.ts";
import { left, shownMs, type TopView } from "./top_view.ts";

/** How long a worker may take to answer, in milliseconds. */
const PROBE_TIMEOUT_MS = 2_000;
/** So many workers are asked at once. */
const MAX_PROBES = 64;

/** What a worker has answered lately. */
interface Answer {
  readonly latencyMs: number;
  readonly idleSeconds: number;
  /** The worker's calls under way; unknown of an older one. */
  readonly inFlight: number | undefined;
}

/** Views of a fleet, by a dispatcher of our own that asks its workers in turn. */
export async function* fleetViews(
  dispatcher: Dispatcher,
  title: string,
  timeoutMs: number = PROBE_TIMEOUT_MS,
): AsyncGenerator<TopView, void, undefined> {
  const answers = new Map<string, Answer>();
  for (;;) {
    const ready = dispatcher.workers().filter(({ state }) => state === "ready").length;
    const probes = Array.from(
      { length: Math.min(ready, MAX_PROBES) },
      () => probe(dispatcher, timeoutMs),
    );
    for (const [id, answer] of (await Promise.all(probes)).filter((one) => one !== undefined)) {
      answers.set(id, answer);
    }
    yield viewOf(dispatcher.workers(), answers, title);
  }
}

/** Of any worker, the next in turn; one that does not answer is shown by its state. */
async function probe(
  dispatcher: Dispatcher,
  timeoutMs: number,
): Promise<readonly [string, Answer] | undefined> {
  const begun = performance.now();
  try {
    const client = createClient(WorkerService, dispatcher.transport);
    const { workerId, idleSeconds, inFlight } = await client.describe({}, { timeoutMs });
    const latencyMs = performance.now() - begun;
    return [workerId, { latencyMs, idleSeconds: Number(idleSeconds), inFlight }];
  } catch {
    return undefined; // shown by the worker's state and its failures
  }
}

function viewOf(
  workers: readonly WorkerSnapshot[],
  answers: ReadonlyMap<string, Answer>,
  title: string,
): TopView {
  const at = Date.now();
  const refusals: Record<string, number> = {};
  for (const { handshakeFailures } of workers) {
    for (const [reason, count] of Object.entries(handshakeFailures)) {
      refusals[reason] = (refusals[reason] ?? 0) + count;
    }
  }
  const ready = workers.filter(({ state }) => state === "ready");
  const inFlight = ready.reduce(
    (sum, { id = "" }) => sum + (answers.get(id)?.inFlight ?? 0),
    0,
  );
  return {
    title,
    at,
    summary: `${workers.length} ${
      workers.length === 1 ? "worker" : "workers"
    }, ${ready.length} ready, ${inFlight} in flight`,
    head: ["WORKER", "IDENTITY", "STATE", "LATENCY", "CALLS", "CERTIFICATE", "PROBLEM"],
    rows: workers.map((worker) => {
      const { address, id, identity, state, certificateEnds } = worker;
      const answer = id === undefined ? undefined : answers.get(id);
      return [
        address,
        identity ?? "-",
        state,
        shownMs(answer?.latencyMs),
        callsOf(answer),
        left(certificateEnds, at),
        state === "ready" ? "" : problemOf(worker),
      ];
    }),
    refusals,
  };
}

/** The word for a handshake that failed, and of a worker that was not reached why; the row has its address. */
function problemOf({ address, lastFailure, handshakeFailures }: WorkerSnapshot): string {
  const [most] = Object.entries(handshakeFailures).sort(([, a], [, b]) => b - a);
  if (lastFailure instanceof HandshakeError) return lastFailure.reason;
  return lastFailure?.message.replace(`worker ${address} `, "") ?? most?.[0] ?? "";
}

/** What a worker is at: its calls under way, or for how long it has had none. */
function callsOf(answer: Answer | undefined): string {
  if (answer === undefined) return "-";
  const { inFlight, idleSeconds } = answer;
  const idle = `idle ${durationText(idleSeconds * 1_000)}`;
  if (inFlight === undefined) return idleSeconds === 0 ? "busy" : idle;
  return inFlight > 0 || idleSeconds === 0 ? String(inFlight) : `0, ${idle}`;
}
