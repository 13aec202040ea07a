import { byteBudget, PeerBytes, type ServerConnectionOptions } from "../../http2/mod.ts";
import {
  CallRecords,
  countedConnection,
  Faults,
  PeerExpiry,
  watchEventLoop,
} from "../../observe/mod.ts";
import type { AcceptedPeer } from "../../peer/mod.ts";
import type { Authenticator } from "../../policy/mod.ts";
import { createRequestHandler, createRpcRouter } from "../../rpc/mod.ts";
import { admitCalls } from "../admission/admission.ts";
import { insistOnAdmit } from "../admission/admit_hook.ts";
import { Authentication } from "../admission/authentication.ts";
import { CallGate } from "../admission/call_gate.ts";
import { CallQueue } from "../admission/call_queue.ts";
import { IdleWatch } from "../admission/idle_watch.ts";
import { anonymousAdmission, openPolicy } from "../admission/worker_policy.ts";
import { ConnectedPeer, peerKey } from "../connected_peer.ts";
import { WorkerHealth } from "../health/health.ts";
import { Leaving } from "../leaving.ts";
import { noDispatcher } from "./no_dispatcher.ts";
import type { ExecutionGround, OpenedExecution } from "./open_execution.ts";
import type { WorkerServerOptions } from "../options.ts";
import { PeerResets, PEERS } from "../peer_resets.ts";
import { recordRefusals } from "./recorded_refusals.ts";
import { serveReflection } from "../reflection/reflection.ts";
import { servedBy, serveRoutines } from "./router.ts";
import { use } from "../use.ts";
import { RecentValues } from "../../values/mod.ts";

/** What serves the calls of a worker stands on. */
export interface CallServingGround extends ExecutionGround, OpenedExecution {
  readonly authenticator: Authenticator | undefined;
  /** Whether callers without identity are served. */
  readonly servesAnonymous: boolean;
}

/** What a worker does with calls, whichever listener they come from. */
export interface CallServing {
  readonly gate: CallGate;
  readonly health: WorkerHealth;
  readonly leaving: Leaving;
  readonly faults: Faults;
  /** How the connection of a peer is served; `isOwn` for that of the worker's own routines. */
  servePeer(peer: AcceptedPeer, isOwn: boolean): ServerConnectionOptions;
}

/** Calls at once that ask how the worker is and what it serves; no other call's place is taken by them. */
const OVERHEAD_CALLS = { concurrency: 4_096, concurrencyPerPeer: 256 };

/**
 * Makes what serves calls: admission, routines and services, health and reflection; `starting` closes it again.
 *
 * @throws {ConfigurationError} If the policy cannot be used.
 */
export async function serveCalls(
  options: WorkerServerOptions,
  ground: CallServingGround,
  starting: AsyncDisposableStack,
): Promise<CallServing> {
  const { id, limits, clock, hub, credentials, authenticator, table, execution, dispatcher } =
    ground;
  const observer = hub.as(id);
  if (authenticator?.open !== undefined) starting.use(authenticator.open());
  const authentication = new Authentication({
    authenticator,
    workerId: id,
    idSince: options.id === undefined ? undefined : clock.now(),
    observer,
    clock,
  });
  const faults = new Faults(observer, clock);
  const records = new CallRecords(observer, "worker", clock);
  const gate = new CallGate(limits, () => clock.steady());
  const overhead = new CallGate(OVERHEAD_CALLS, () => clock.steady(), "calls about the worker");
  const queue = new CallQueue({
    gate,
    limits,
    clock,
    queued: (change) => hub.metrics.queued(change),
  });
  if (limits.idleAfterMs > 0) {
    starting.use(
      new IdleWatch({
        idleSeconds: () => gate.idleSeconds,
        afterMs: Math.ceil(limits.idleAfterMs / 1_000) * 1_000,
        clock,
        onIdle: (idleSeconds) => observer.emit({ type: "worker.idle", workerId: id, idleSeconds }),
      }),
    );
  }
  const { messageBytes, receiveTimeoutMs } = limits;
  const router = createRpcRouter({ limits: { messageBytes, receiveTimeoutMs } });
  serveRoutines(router, {
    id,
    table,
    gate,
    execution,
    dispatcher: () => dispatcher ?? noDispatcher,
    records,
    faults,
    tags: options.tags ?? [],
    verifiesTokens: authenticator !== undefined,
    services: options.services,
  });
  const health = new WorkerHealth(() => servedBy(router));
  health.serve(router);
  if (options.reflection ?? credentials?.current().mode === "mutual") serveReflection(router);
  const authorization = use(starting, await openPolicy(options, { observer, clock, faults }));
  const anonymous = ground.servesAnonymous
    ? await anonymousAdmission(options, { gate, limits, authorization, observer, clock })
    : undefined;
  const { announceGraceMs } = limits;
  const leaving = new Leaving({ id, gate, queue, health, observer, clock, announceGraceMs });
  insistOnAdmit(options.admit);
  const hook = options.admit === undefined ? undefined : {
    admit: options.admit,
    load: () => ({ inFlight: gate.inFlight, queued: queue.length }),
    failed: (error: unknown) => faults.report("admit", error),
  };
  const handler = createRequestHandler({
    router,
    admit: recordRefusals(
      admitCalls({
        table,
        queue,
        overhead,
        hook,
        leaving,
        authentication,
        authorization,
        anonymous,
      }),
      table,
      records,
    ),
    gatheredBytes: options.limits?.gatheredBytes,
    peerKey: ({ key }: ConnectedPeer) => key,
    onFault: (error, path) => faults.report("rpc", error, { path }),
  });
  const budget = byteBudget(options.limits?.heldBytes);
  const heldBytes = new RecentValues(PEERS, () => new PeerBytes(budget));
  const resets = new PeerResets(limits.http2, () => performance.now());
  starting.use(watchEventLoop(hub.metrics, clock));
  const peerExpiry = starting.use(new PeerExpiry(observer, "worker", clock));
  const servePeer = (peer: AcceptedPeer, isOwn: boolean): ServerConnectionOptions => {
    const isPlaintext = peer.facts.security === "plaintext";
    if (isPlaintext) {
      observer.emit({ type: "security.plaintext-caller", peer: { address: peer.remoteAddress } });
    }
    const isAnonymous = anonymous !== undefined && isPlaintext;
    const held = heldBytes.of(peerKey(peer));
    const connected = new ConnectedPeer(peer, {
      anonymous: isAnonymous,
      own: isOwn,
      clock,
      unread: held,
    });
    const counted = countedConnection(hub.metrics);
    const { certificate } = peer.identity ?? {};
    const gone = certificate && peerExpiry.connected(connected.ref, certificate);
    return {
      onRequest: handler(connected),
      onFault: (error) => faults.report("http2", error, { peer: connected.ref }),
      onState: (state) => {
        counted(state);
        if (state === "closed") gone?.();
      },
      resets: resets.of(connected.key),
      limits: limits.http2,
      budget: held,
    };
  };
  return { gate, health, leaving, faults, servePeer };
}
