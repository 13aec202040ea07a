import type { Transport } from "@connectrpc/connect";
import { prepareForScarcity } from "../channel/mod.ts";
import {
  type Credentials,
  type CredentialsSource,
  type DenylistSetting,
  openCredentials,
  type OpenCredentialsOptions,
  verdictOption,
} from "../credentials/mod.ts";
import {
  type Discovery,
  discoveryFromUrl,
  signedDiscovery,
  type SignedDiscoveryOptions,
} from "../discovery/mod.ts";
import { unusable } from "../errors/mod.ts";
import { byteBudget, ErrorCode } from "../http2/mod.ts";
import { type IdentityPattern, parsePatterns } from "../identity/mod.ts";
import { payloadLimits } from "../limits/mod.ts";
import {
  CallRecords,
  type ChannelSecurity,
  type Clock,
  EventHub,
  Faults,
  Metrics,
  PeerExpiry,
  PrometheusMetrics,
  systemClock,
  watchEventLoop,
} from "../observe/mod.ts";
import { dialPeer, type Rehearsal, type RehearseOptions } from "../peer/mod.ts";
import type { TransportChoices } from "../rpc/mod.ts";
import { Attempts } from "./calls/attempts.ts";
import { RetryBudget } from "./calls/retry_budget.ts";
import { CallSettings, type Inheritance } from "./calls/call_settings.ts";
import { DialSlots, dialWith, type OwnWorker } from "./endpoint/dial.ts";
import { Fleet } from "./fleet/fleet.ts";
import { insistOnCount, type Lease, leaseOf } from "./fleet/lease.ts";
import { resolveDispatcherLimits } from "./limits.ts";
import type { SharedDispatcherOptions, WorkerSource } from "./options.ts";
import { openDispatcherAdmin } from "./dispatcher_admin.ts";
import { type RehearsalGround, rehearseConnected, rehearseWorkers } from "./rehearse.ts";
import { RoutineCalls } from "./calls/routine_calls.ts";
import { recordedTransport } from "./calls/recorded_transport.ts";
import { dispatcherTransport } from "./calls/transport.ts";
import { present } from "../values/mod.ts";

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
  if (quorum !== undefined) insistOnCount("quorum", quorum, 1);
  const limits = resolveDispatcherLimits(options.limits);
  const { clock = systemClock, random = Math.random, id = crypto.randomUUID() } = ground;
  const checked = sources.map((source) => checkSource(source, strict));
  const budget = byteBudget(options.limits?.heldBytes);
  const slots = new DialSlots(limits.handshakes);
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
  const settings = new CallSettings(
    options.call ?? {},
    options.token,
    id,
    {
      inherits: ground.inherits,
      onTokenIgnored: (peer) =>
        observer.emit({ type: "security.token-ignored", side: "dispatcher", peer }),
    },
  );
  const faults = new Faults(observer, clock);
  const peerExpiry = opening.use(new PeerExpiry(observer, "dispatcher", clock));
  opening.use(watchEventLoop(hub.metrics, clock));
  const opened = [];
  for (const one of checked) {
    const { discovery, credentials, denylist, identity, verdict } = one;
    const source = await openCredentials(credentials, denylist, {
      role: "client",
      observer,
      clock,
      ...verdict,
      ...present({ accepts: identity }),
    });
    if (source !== undefined) opening.use(source);
    const dial = dialWith({
      dialPeer: ground.dialPeer ?? dialPeer,
      credentials: source,
      identity,
      strict,
      own: ground.own,
      minTlsVersion: options.minTlsVersion,
      limits,
      budget,
      slots,
      clock,
      observer,
      faults,
      peerExpiry,
    });
    const used = usedDiscovery(one, source, clock, limits.verdict);
    opened.push({ discovery: used, dial, source, lease: one.lease });
    // A dispatcher that finds nobody but its own worker is no posture of its own.
    if (discovery === ground.own?.discovery) continue;
    observer.emit({
      type: "security.posture",
      security: securityOf(source),
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
  const attempts = new Attempts({
    fleet,
    clock,
    observer,
    budget: new RetryBudget(limits.retryPercent / 100, limits.retryBurst),
  });
  const { messageBytes } = limits;
  const rpcLimits = { messageBytes };
  const payload = payloadLimits(limits);
  const records = new CallRecords(observer, "dispatcher", clock);
  const transportFor = (choices: TransportChoices = {}) =>
    recordedTransport(
      dispatcherTransport({
        attempts,
        limits: rpcLimits,
        fields: settings.fields({}, undefined),
        settings,
      }, choices),
      records,
    );
  const operators = sources.findLastIndex((source) =>
    source !== ground.spawned && source.discovery !== ground.own?.discovery
  );
  const rehearsed: RehearsalGround = {
    endpoints: () => fleet.endpointsOf(operators),
    source: opened[operators]?.source,
    identity: checked[operators]?.identity,
    denylist: checked[operators]?.denylist,
    verdict: checked[operators]?.verdict ?? {},
    dialPeer: ground.dialPeer ?? dialPeer,
    minTlsVersion: options.minTlsVersion,
    limits,
    clock,
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
    routines: new RoutineCalls({ attempts, settings, records, limits: rpcLimits, payload }),
    transport: transportFor(),
    transportFor,
    rehearse: (wanted) => rehearseWorkers(wanted, rehearsed),
    async close(code) {
      await fleet.close(code);
      await resources.disposeAsync();
    },
  };
}

interface CheckedSource {
  readonly discovery: Discovery;
  readonly credentials: Credentials | undefined;
  readonly denylist: DenylistSetting | undefined;
  readonly identity: readonly IdentityPattern[] | undefined;
  /** Whether only signed announcements are used. */
  readonly signed: boolean;
  /** How certificates are judged, where it is said. */
  readonly verdict: Pick<OpenCredentialsOptions, "verdict">;
  /** How many of its workers are used, and which. */
  readonly lease: Lease | undefined;
}

/** Discoveries that carry addresses alone. */
const WITHOUT_STATEMENTS = /^(?:k8s|dns\+srv):/;

/** What can be said of a source before anything is opened. */
function checkSource(source: WorkerSource, strict: boolean): CheckedSource {
  const discovery = typeof source.discovery === "string"
    ? discoveryFromUrl(source.discovery)
    : source.discovery;
  const { credentials, denylist } = source;
  // Workers that have names are reached over TCP; any other address is judged when it is dialled.
  if (strict && credentials === undefined && discovery.namesWorkers) {
    throw unusable("credentials", "strict refuses plaintext over TCP; give credentials");
  }
  const identity = source.identity === undefined ? undefined : parsePatterns(source.identity);
  if (credentials !== undefined && identity === undefined && !discovery.namesWorkers) {
    throw unusable(
      "identity",
      `workers found by ${discovery.source} need an identity to be verified against`,
    );
  }
  if (credentials === undefined && identity !== undefined) {
    throw unusable("credentials", "an identity cannot be verified without credentials");
  }
  const signed = source.announcements === "signed";
  const carriesData = !discovery.namesWorkers && !WITHOUT_STATEMENTS.test(discovery.source);
  if (signed && (credentials === undefined || identity === undefined || !carriesData)) {
    throw unusable(
      "announcements",
      'announcements: "signed" needs credentials, identity, and a discovery where workers announce themselves, ' +
        `not ${discovery.source}`,
    );
  }
  const lease = leaseOf(source.lease);
  return {
    discovery,
    credentials,
    denylist,
    identity,
    signed,
    verdict: verdictOption(source),
    lease,
  };
}

/** The discovery as it is used: of signed announcements alone, where these are demanded. */
function usedDiscovery(
  { discovery, identity, signed }: CheckedSource,
  credentials: CredentialsSource | undefined,
  clock: Clock,
  limits: SignedDiscoveryOptions["limits"],
): Discovery {
  if (!signed || credentials === undefined || identity === undefined) return discovery;
  return signedDiscovery(discovery, { credentials, identity, clock, limits });
}

function securityOf(source: CredentialsSource | undefined): ChannelSecurity {
  if (source === undefined) return "plaintext";
  return source.current().mode === "mutual" ? "mutual-tls" : "one-way-tls";
}
