import { openAdmin } from "../admin/mod.ts";
import type { WorkerSnapshot } from "../contract/mod.ts";
import type { CredentialsSource } from "../credentials/mod.ts";
import { escapePeerText } from "../errors/mod.ts";
import type { Clock, EventHub, PrometheusMetrics } from "../observe/mod.ts";
import type { Rehearsal, RehearsalRequest } from "../peer/mod.ts";
import type { Fleet } from "./fleet/fleet.ts";
import { workerSnapshot } from "./worker_snapshot.ts";

/** What a dispatcher's admin socket shows. */
export interface DispatcherAdminOptions {
  readonly id: string;
  readonly fleet: Fleet;
  /** Where its workers come from, and who it is to them. */
  readonly sources: readonly {
    readonly discovery: { readonly source: string };
    readonly source: CredentialsSource | undefined;
  }[];
  readonly hub: EventHub;
  readonly metrics: PrometheusMetrics;
  readonly clock: Clock;
  readonly rehearse: (options: RehearsalRequest) => Promise<Rehearsal>;
}

/** A worker as a dispatcher's admin socket shows it: its last failure as text. */
export interface ShownWorker extends Omit<WorkerSnapshot, "lastFailure"> {
  /** Why it could not be reached the last time, in one sentence. */
  readonly lastFailure?: string;
}

/** A dispatcher or a pool as its admin socket shows it, at one moment. */
export interface DispatcherSnapshot {
  readonly type: "snapshot";
  readonly of: "dispatcher";
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly id: string;
  /** Where its workers come from. */
  readonly discovery: readonly string[];
  /** The names of its own certificates. */
  readonly names: readonly string[];
  /** When the first of those ends, milliseconds since the epoch. */
  readonly certificateEnds?: number;
  /** Its calls under way. */
  readonly inFlight: number;
  /** Its calls that ended since it was opened, and how long they took together, in seconds. */
  readonly calls: { readonly count: number; readonly seconds: number };
  /** Handshakes that failed since it was opened, by reason. */
  readonly refusals: Readonly<Record<string, number>>;
  /** The workers that it knows; at most 1,024, unless a limit of its own says more. */
  readonly workers: readonly ShownWorker[];
}

/**
 * Opens a dispatcher's admin socket.
 *
 * @throws {ConfigurationError} If another user could reach or replace it, or this is not Deno.
 */
export async function openDispatcherAdmin(
  path: string,
  options: DispatcherAdminOptions,
): Promise<AsyncDisposable> {
  const { hub, clock, rehearse } = options;
  return await openAdmin(path, {
    role: "client",
    hub,
    clock,
    rehearse,
    snapshot: (refusals) => snapshotOf(options, refusals),
  });
}

function snapshotOf(
  { id, fleet, sources, metrics, clock }: DispatcherAdminOptions,
  refusals: Readonly<Record<string, number>>,
): DispatcherSnapshot {
  const workers = fleet.endpoints.map(workerSnapshot);
  const own = sources.flatMap(({ source }) => source?.current().own ?? []);
  const { count, sum } = metrics.totals("selvage_call_duration_seconds");
  return {
    type: "snapshot",
    of: "dispatcher",
    at: clock.now(),
    id,
    discovery: sources.map(({ discovery }) => discovery.source),
    names: own.flatMap(({ summary }) => summary.names),
    ...(own.length === 0
      ? {}
      : { certificateEnds: Math.min(...own.map(({ leaf }) => leaf.notAfter)) }),
    inFlight: workers.reduce((sum, worker) => sum + worker.inFlight, 0),
    calls: { count, seconds: sum },
    refusals,
    workers: workers.map(shown),
  };
}

function shown({ lastFailure, ...worker }: WorkerSnapshot): ShownWorker {
  if (lastFailure === undefined) return worker;
  return { ...worker, lastFailure: escapePeerText(lastFailure.message, MAX_FAILURE) };
}

/** The longest sentence about a failure, in characters. */
const MAX_FAILURE = 1_024;
