import { Credentials, type CredentialsSource } from "../../credentials/mod.ts";
import { ConfigurationError, type HandshakeEvidence } from "../../errors/mod.ts";
import {
  type Certificate,
  isCertificateFault,
  judgePeer,
  parsePattern,
  parsePemBundle,
  TrustAnchors,
} from "../../identity/mod.ts";
import { type Clock, type EventHub, type PrometheusMetrics, redacted } from "../../observe/mod.ts";
import type { PeerListener, Rehearsal, RehearseOptions } from "../../peer/mod.ts";
import type { CallGate } from "../admission/call_gate.ts";
import type { WorkerPosture } from "../posture.ts";
import { type WorkerPeer, workerPeers } from "../worker_peers.ts";
import { type RehearsedPem, serveAdmin } from "./admin_socket.ts";
import { present } from "../../values/mod.ts";

/** What a worker's admin socket shows. */
export interface WorkerAdminOptions {
  readonly id: string;
  readonly address: string;
  readonly gate: CallGate;
  readonly hub: EventHub;
  readonly posture: WorkerPosture;
  readonly listeners: readonly PeerListener[];
  readonly credentials: CredentialsSource | undefined;
  readonly metrics: PrometheusMetrics;
  readonly clock: Clock;
  readonly rehearse: (options: RehearseOptions) => Promise<Rehearsal>;
}

/** A worker as its admin socket shows it, at one moment. */
export interface AdminSnapshot {
  readonly type: "snapshot";
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly id: string;
  readonly address: string;
  readonly posture: WorkerPosture;
  /** The names of its own certificate. */
  readonly names: readonly string[];
  /** When its own certificate ends, milliseconds since the epoch. */
  readonly certificateEnds?: number;
  /** Calls that it is at. */
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
export async function openAdmin(
  path: string,
  options: WorkerAdminOptions,
): Promise<AsyncDisposable> {
  const { hub, rehearse, clock } = options;
  await using opening = new AsyncDisposableStack();
  const counted = hub.events();
  opening.use(counted);
  const refusals: Record<string, number> = {};
  void (async () => {
    for await (const event of counted) {
      if (event.type !== "handshake.refused") continue;
      refusals[event.reason] = (refusals[event.reason] ?? 0) + 1;
    }
  })();
  opening.use(
    await serveAdmin(path, {
      snapshot: () => snapshotOf(options, refusals),
      events: () => mapped(hub.events()),
      rehearse: (pem, signal) => rehearsePem(pem, rehearse, clock.now(), signal),
    }),
  );
  return opening.move();
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
    at: clock.now(),
    id,
    address,
    posture,
    names: own?.summary.names ?? [],
    ...present({ certificateEnds: own?.leaf.notAfter }),
    inFlight: gate.inFlight,
    calls: { count, seconds: sum },
    refusals: { ...refusals },
    connections: peers.length,
    peers: peers.slice(0, MAX_PEERS),
  };
}

/** Events without what no reader may see, as in the log. */
function mapped(events: ReturnType<EventHub["events"]>): AsyncIterable<unknown> & Disposable {
  return {
    async *[Symbol.asyncIterator]() {
      for await (const event of events) yield redacted({ ...event });
    },
    [Symbol.dispose]: () => events[Symbol.dispose](),
  };
}

async function rehearsePem(
  { ca, cert }: RehearsedPem,
  rehearse: WorkerAdminOptions["rehearse"],
  now: number,
  signal: AbortSignal,
): Promise<Rehearsal> {
  const result = await rehearse({ credentials: Credentials.fromPem({ ca, oneWay: true }), signal });
  const own = cert === undefined ? undefined : ownFault(cert, ca, now);
  return own === undefined ? result : { ...result, own };
}

/** What peers that trust the new authorities would say to our new chain; its key is not here. */
function ownFault(cert: string, ca: string, now: number): HandshakeEvidence | undefined {
  const [chain, bundle] = [certificatesIn(cert, "cert"), certificatesIn(ca, "ca")];
  const verdict = judgePeer(chain.map(({ der }) => der), {
    role: "server",
    anchors: new TrustAnchors({ bundle }),
    expected: [parsePattern("*")],
    now,
  });
  return verdict.trusted ? undefined : verdict.evidence;
}

function certificatesIn(pem: string, setting: string): readonly Certificate[] {
  const read = parsePemBundle(pem);
  if (!isCertificateFault(read)) return read;
  throw new ConfigurationError(`${setting} cannot be read: ${read.found}`, { setting });
}
