import { openAdmin } from "../admin/mod.ts";
import type { CredentialsSource } from "../credentials/mod.ts";
import type { Clock, EventHub, PrometheusMetrics } from "../observe/mod.ts";
import type { PeerListener, Rehearsal, RehearsalRequest } from "../peer/mod.ts";
import { present } from "../values/mod.ts";
import type { CallGate } from "./admission/call_gate.ts";
import type { WorkerPosture } from "./posture.ts";
import { type WorkerPeer, workerPeers } from "./worker_peers.ts";

/** What a worker's admin socket shows. */
export interface WorkerAdminOptions {
  readonly id: string;
  readonly address: string;
  readonly gate: CallGate;
  readonly hub: EventHub;
  readonly posture: () => WorkerPosture;
  readonly listeners: readonly PeerListener[];
  readonly credentials: CredentialsSource | undefined;
  readonly metrics: PrometheusMetrics;
  readonly clock: Clock;
  readonly rehearse: (options: RehearsalRequest) => Promise<Rehearsal>;
}

/** A worker as its admin socket shows it, at one moment. */
export interface AdminSnapshot {
  readonly type: "snapshot";
  readonly of: "worker";
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly id: string;
  readonly address: string;
  readonly posture: WorkerPosture;
  /** The names of its own certificate. */
  readonly names: readonly string[];
  /** When its own certificate ends, milliseconds since the epoch. */
  readonly certificateEnds?: number;
  /** Calls under way. */
  readonly inFlight: number;
  /** The calls that ended since it started, and how long they took together, in seconds. */
  readonly calls: { readonly count: number; readonly seconds: number };
  /** Refused handshakes since it started, by reason. */
  readonly refusals: Readonly<Record<string, number>>;
  /** How many connections there are; `peers` holds at most 1,000 of them. */
  readonly connections: number;
  readonly peers: readonly WorkerPeer[];
}

const MAX_PEERS = 1_000;

/**
 * Opens a worker's admin socket.
 *
 * @throws {ConfigurationError} If another user could reach or replace it.
 */
export async function openWorkerAdmin(
  path: string,
  options: WorkerAdminOptions,
): Promise<AsyncDisposable> {
  const { hub, clock, rehearse } = options;
  return await openAdmin(path, {
    role: "server",
    hub,
    clock,
    rehearse,
    snapshot: (refusals) => snapshotOf(options, refusals),
  });
}

function snapshotOf(
  { id, address, gate, posture, listeners, credentials, metrics, clock }: WorkerAdminOptions,
  refusals: Readonly<Record<string, number>>,
): AdminSnapshot {
  const peers = workerPeers(listeners);
  const own = credentials?.current().own;
  const { count, sum } = metrics.totals("selvage_call_duration_seconds");
  return {
    type: "snapshot",
    of: "worker",
    at: clock.now(),
    id,
    address,
    posture: posture(),
    names: own?.summary.names ?? [],
    ...present({ certificateEnds: own?.leaf.notAfter }),
    inFlight: gate.inFlight,
    calls: { count, seconds: sum },
    refusals,
    connections: peers.length,
    peers: peers.slice(0, MAX_PEERS),
  };
}
