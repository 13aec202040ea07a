import type { Transport } from "@connectrpc/connect";
import { prepareForScarcity } from "../channel/mod.ts";
import { insistOnChoice } from "../errors/mod.ts";
import { byteBudget, ErrorCode } from "../http2/mod.ts";
import { payloadLimits } from "../limits/mod.ts";
import {
  CallRecords,
  type Clock,
  EventHub,
  Faults,
  Metrics,
  type Observer,
  PeerExpiry,
  PrometheusMetrics,
  systemClock,
  watchEventLoop,
} from "../observe/mod.ts";
import { dialPeer, type Rehearsal, type RehearseOptions } from "../peer/mod.ts";
import { closeUnusedTimers } from "../platform/mod.ts";
import type { TransportChoices } from "../rpc/mod.ts";
import { Attempts } from "./calls/attempts.ts";
import { RetryBudget } from "./calls/retry_budget.ts";
import { insistOnDefaultNames } from "./calls/option_names.ts";
import { CallSettings, type Inheritance } from "./calls/call_settings.ts";
import { DialSlots, type OwnWorker } from "./endpoint/dial.ts";
import { Fleet } from "./fleet/fleet.ts";
import { insistOnCount } from "./fleet/lease.ts";
import { type EveryDispatcherLimit, resolveDispatcherLimits } from "./limits.ts";
import type { SharedDispatcherOptions, WorkerSource } from "./options.ts";
import { openDispatcherAdmin } from "./dispatcher_admin.ts";
import { type RehearsalGround, rehearseConnected, rehearseWorkers } from "./rehearse.ts";
import { RoutineCalls } from "./calls/routine_calls.ts";
import { serviceTransport } from "./calls/service_call.ts";
import {
  checkSource,
  type OpenedSource,
  openSource,
  securityOf,
  type SourceGround,
} from "./sources.ts";

/** What a dispatcher stands on: replaced by a pool that shares its own, and by tests. */
export interface DispatcherGround {
  /** The dispatcher's id. Default: a random one. */
  readonly id?: string;
  /** Where the dispatcher emits its events. Default: a hub of its own. */
  readonly hub?: EventHub;
  /** The time. Default: the machine's clock. */
  readonly clock?: Clock;
  /** A number in [0, 1). Default: `Math.random`. */
  readonly random?: () => number;
  /** Connects to a worker. Default: over the network. */
  readonly dialPeer?: typeof dialPeer;
  /** What its calls take over from the call that they are made from within. Default: nothing but its id. */
  readonly inherits?: Inheritance;
  /** What keeps the measurements that `hub` records, where there is an admin socket. Default: one of its own. */
  readonly kept?: PrometheusMetrics | undefined;
  /** The source of workers that have certificates of a private authority: no rehearsal concerns them. */
  readonly spawned?: WorkerSource | undefined;
  /** The worker within which it is, which calls itself over a socket of its own. Default: none. */
  readonly own?: OwnWorker | undefined;
}

/** The parts of an open dispatcher. */
export interface OpenedDispatcher {
  /** The dispatcher's id. */
  readonly id: string;
  /** The workers. */
  readonly fleet: Fleet;
  /** Calls routines. */
  readonly routines: RoutineCalls;
  /** For Connect clients. */
  readonly transport: Transport;
  /** For Connect clients that speak otherwise. */
  readonly transportFor: (choices: TransportChoices) => Transport;
  /** Where events are emitted. */
  readonly hub: EventHub;
  /** The time. */
  readonly clock: Clock;
  /** Makes handshakes with the workers under other credentials, and adopts nothing. */
  readonly rehearse: (options: RehearseOptions) => Promise<Rehearsal>;
  /** Ends every connection with an HTTP/2 error code, and lets everything go. */
  close(code: number): Promise<void>;
}

/**
 * Opens the parts of a dispatcher over one source of workers or several, each with its own trust.
 *
 * @throws {ConfigurationError} If an option cannot be used, or credentials cannot be read.
 */
export async function openParts(
  sources: readonly WorkerSource[],
  options: SharedDispatcherOptions,
  ground: DispatcherGround,
): Promise<OpenedDispatcher> {
  prepareForScarcity();
  const { strict = false, quorum } = options;
  insistOnChoice("strict", strict, [true, false]);
  insistOnChoice("minTlsVersion", options.minTlsVersion, ["TLSv1.2", "TLSv1.3"]);
  if (quorum !== undefined) insistOnCount("quorum", quorum, 1);
  const limits = resolveDispatcherLimits(options.limits);
  const { clock = systemClock, random = Math.random, id = crypto.randomUUID() } = ground;
  const checked = sources.map((source) => checkSource(source, strict));
  await using opening = new AsyncDisposableStack();
  // The admin socket shows how long calls took.
  const kept = ground.kept ?? (options.admin === undefined ? undefined : new PrometheusMetrics());
  const hub = ground.hub ??
    opening.use(
      new EventHub(id, {
        clock,
        eventsBuffered: limits.eventsBuffered,
        ...(kept === undefined ? {} : { metrics: Metrics.besides(kept) }),
      }),
    );
  const observer = hub.as(id);
  if (options.call !== undefined) insistOnDefaultNames(options.call);
  const settings = new CallSettings(options.call ?? {}, options.token, id, {
    inherits: ground.inherits,
    onTokenIgnored: (peer) =>
      observer.emit({ type: "security.token-ignored", side: "dispatcher", peer }),
  });
  const sourceGround: SourceGround = {
    dialPeer: ground.dialPeer ?? dialPeer,
    strict,
    own: ground.own,
    minTlsVersion: options.minTlsVersion,
    limits,
    budget: byteBudget(options.limits?.heldBytes),
    slots: new DialSlots(limits.handshakes),
    clock,
    observer,
    faults: new Faults(observer, clock),
    peerExpiry: opening.use(new PeerExpiry(observer, "dispatcher", clock)),
  };
  opening.use(watchEventLoop(hub.metrics, clock));
  const opened: OpenedSource[] = [];
  for (const one of checked) {
    const used = await openSource(one, sourceGround, opening);
    opened.push(used);
    // A dispatcher that finds nobody but its own worker is no posture of its own.
    if (one.discovery === ground.own?.discovery) continue;
    observer.emit({
      type: "security.posture",
      security: securityOf(used.source),
      strict,
      policy: false,
      tokens: options.token !== undefined,
    });
  }
  const fleet = new Fleet({
    sources: opened,
    maxWorkers: limits.maxWorkers,
    dispatcherId: id,
    quorum,
    clock,
    observer,
    random,
    balancer: options.balancer,
    backoff: { shortestMs: limits.shortestBackoffMs, longestMs: limits.longestBackoffMs },
    distrustGraceMs: limits.distrustGraceMs,
    connectionAgeMs: limits.connectionAgeMs,
  });
  opened.forEach(({ source }, index) => {
    if (source !== undefined) opening.use(source.subscribe(() => fleet.renew(index)));
  });
  const calls = openCalls({ fleet, settings, limits, observer, clock });
  // A pool rehearses with the workers of its operator, not with those that it spawned.
  const operators = sources.findLastIndex((source) =>
    source !== ground.spawned && source.discovery !== ground.own?.discovery
  );
  const rehearsed: RehearsalGround = {
    ...sourceGround,
    endpoints: () => fleet.endpointsOf(operators),
    source: opened[operators]?.source,
    identity: checked[operators]?.identity,
    denylist: checked[operators]?.denylist,
    verdict: checked[operators]?.verdict ?? {},
  };
  if (options.admin !== undefined && kept !== undefined) {
    const admin = openDispatcherAdmin(options.admin, {
      id,
      fleet,
      sources: opened,
      hub,
      metrics: kept,
      clock,
      rehearse: (wanted) => rehearseConnected(wanted, rehearsed),
    });
    opening.use(
      await admin.catch(async (error) => {
        await fleet.close(ErrorCode.NO_ERROR);
        throw error;
      }),
    );
  }
  const resources = opening.move();
  return {
    id,
    fleet,
    hub,
    clock,
    ...calls,
    rehearse: (wanted) => rehearseWorkers(wanted, rehearsed),
    async close(code) {
      await fleet.close(code);
      await resources.disposeAsync();
      closeUnusedTimers();
    },
  };
}

interface CallsGround {
  readonly fleet: Fleet;
  readonly settings: CallSettings;
  readonly limits: EveryDispatcherLimit;
  readonly observer: Observer;
  readonly clock: Clock;
}

/** What makes calls on the workers of a fleet: routines, and the transports of Connect clients. */
function openCalls(
  { fleet, settings, limits, observer, clock }: CallsGround,
): Pick<OpenedDispatcher, "routines" | "transport" | "transportFor"> {
  const attempts = new Attempts({
    fleet,
    clock,
    observer,
    budget: new RetryBudget(limits.retryPercent / 100, limits.retryBurst),
  });
  const records = new CallRecords(observer, "dispatcher", clock);
  const payload = payloadLimits(limits);
  const rpcLimits = { messageBytes: limits.messageBytes };
  const fields = settings.fields({}, undefined);
  const transportFor = (choices: TransportChoices = {}) =>
    serviceTransport({ attempts, limits: rpcLimits, fields, settings }, choices, records);
  return {
    routines: new RoutineCalls({ attempts, settings, records, limits: rpcLimits, payload }),
    transport: transportFor(),
    transportFor,
  };
}
