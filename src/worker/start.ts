import { type Address, formatAddress, parseAddress, SocketAdmission } from "../channel/mod.ts";
import {
  credentialsFrom,
  type CredentialsSource,
  openCredentials,
  verdictOption,
} from "../credentials/mod.ts";
import { type Dispatcher, dispatcherOver, type WorkerSource } from "../dispatch/mod.ts";
import { ConfigurationError } from "../errors/mod.ts";
import { byteBudget, type ServerConnectionOptions } from "../http2/mod.ts";
import { payloadLimits } from "../limits/mod.ts";
import {
  CallRecords,
  type ChannelSecurity,
  type Clock,
  countedConnection,
  EventHub,
  Faults,
  Metrics,
  type Observer,
  PeerExpiry,
  PrometheusMetrics,
  systemClock,
  watchEventLoop,
} from "../observe/mod.ts";
import {
  type AcceptedPeer,
  listenForPeers,
  type ListenForPeersOptions,
  type PeerListener,
  type Rehearsal,
  type RehearseOptions,
} from "../peer/mod.ts";
import type { InvokeOptions, RoutineTable } from "../routine/mod.ts";
import { requireDeno } from "../platform/mod.ts";
import { createRequestHandler, createRpcRouter } from "../rpc/mod.ts";
import { openAuthorizer } from "../policy/mod.ts";
import { admitCalls, type AnonymousAdmission } from "./admission/admission.ts";
import { Authentication } from "./admission/authentication.ts";
import { Authorization } from "./admission/authorization.ts";
import { CallGate } from "./admission/call_gate.ts";
import { CallQueue } from "./admission/call_queue.ts";
import { anonymousNetworks, BothAuthorizers, enterBoth } from "./admission/anonymous.ts";
import { ConnectedPeer } from "./connected_peer.ts";
import { Execution } from "./execution.ts";
import { WorkerHealth } from "./health/health.ts";
import { openAdmin } from "./admin/worker_admin.ts";
import { rehearseClients } from "./rehearse.ts";
import { serveReflection } from "./reflection/reflection.ts";
import { listenForHealth } from "./health/health_listener.ts";
import { Leaving } from "./leaving.ts";
import { type EveryWorkerLimit, resolveWorkerLimits } from "./limits.ts";
import { loadRoutines, specifierOf } from "./modules.ts";
import { noDispatcher } from "./no_dispatcher.ts";
import type { WorkerServerOptions } from "./options.ts";
import { OwnSocket, type OwnSocketOptions } from "./own_socket.ts";
import { PeerResets } from "./peer_resets.ts";
import {
  acceptedClients,
  allowedPeers,
  authenticatorOf,
  insistOnOwnSockets,
  insistOnStrict,
  postureOf,
  reportPosture,
  tellPlaintext,
  type WorkerPosture,
} from "./posture.ts";
import { Publication, publishedTo } from "./publication.ts";
import { recordRefusals } from "./recorded_refusals.ts";
import { servedBy, serveRoutines } from "./router.ts";
import { createThreadPool, type ThreadPool } from "./threads/mod.ts";
import { IdleWatch } from "./admission/idle_watch.ts";
import { LoopWatchdog } from "./watchdog/mod.ts";
import { present } from "../values/mod.ts";

/** The parts of a worker that takes calls. */
export interface StartedWorker {
  /** The worker's id. */
  readonly id: string;
  /** The address that others reach it by. */
  readonly advertised: string;
  /** How its first listener is protected. */
  readonly security: ChannelSecurity;
  /** Where it takes calls. */
  readonly listeners: readonly PeerListener[];
  /** Where its health is served apart. */
  readonly healthListener: PeerListener | undefined;
  /** The calls that are in. */
  readonly gate: CallGate;
  /** Where events are emitted. */
  readonly hub: EventHub;
  /** What protects it. */
  readonly posture: WorkerPosture;
  /** Judges the clients as if other credentials had been adopted. */
  readonly rehearse: (options: RehearseOptions) => Promise<Rehearsal>;
  /** How long calls in flight may go on when it drains, in milliseconds. */
  readonly drainGraceMs: number;
  /** Takes no more calls, and lets go of everything once those in flight are over, or the grace is. */
  stop(graceMs: number): Promise<void>;
}

/**
 * Starts the parts of a worker.
 *
 * @throws {ConfigurationError} If an option cannot be used, a module cannot be loaded, or an address
 * cannot be listened on.
 */
export async function startParts(options: WorkerServerOptions): Promise<StartedWorker> {
  const { id = crypto.randomUUID() } = options;
  const limits = resolveWorkerLimits(options.limits);
  const clock = systemClock;
  const addresses = addressesOf(options.listen ?? "127.0.0.1:0");
  insistOnDeno(addresses);
  const discovery = options.publish === undefined ? undefined : publishedTo(options.publish);
  const healthAddress = options.health === undefined
    ? undefined
    : parseAddress(options.health, "health");
  if (options.metrics === true && healthAddress === undefined) {
    throw new ConfigurationError("metrics are shown where health is served: set health, too", {
      setting: "metrics",
    });
  }
  await using starting = new AsyncDisposableStack();
  // The admin socket shows how long calls took, whether or not metrics are scraped.
  const kept = options.metrics === true || options.admin !== undefined
    ? new PrometheusMetrics()
    : undefined;
  const scraped = options.metrics === true ? kept : undefined;
  const hub = starting.use(
    new EventHub(id, {
      clock,
      eventsBuffered: limits.eventsBuffered,
      ...(kept === undefined ? {} : { metrics: Metrics.besides(kept) }),
    }),
  );
  const observer = hub.as(id);
  const credentials = use(
    starting,
    await openCredentials(options.credentials, options.denylist, {
      role: "server",
      observer,
      clock,
      ...verdictOption(options),
      ...acceptedClients(options),
    }),
  );
  const allow = allowedPeers(options, addresses, credentials?.current());
  const { table, threaded } = await loadRoutines(options);
  const invoke: InvokeOptions = {
    sendStack: options.sendStacks,
    sendErrorData: options.sendErrorData,
    limits: payloadLimits(limits),
  };
  const threads = use(
    starting,
    threaded ? await startThreads(options, invoke, limits, clock, hub.metrics) : undefined,
  );
  const own = use(starting, await ownSocketOf(options, { credentials, allow, clock }));
  const dispatcher = use(
    starting,
    await openDispatcher(options, { credentials, hub, id, clock, own }),
  );

  const watchdog = limits.blockedAfterMs === 0
    ? undefined
    : starting.use(watchdogFor(id, table, limits, observer));
  const authenticator = authenticatorOf(options, addresses, credentials?.current());
  insistOnStrict(options, credentials?.current(), authenticator, healthAddress);
  const networks = anonymousNetworks(options, addresses);
  if (authenticator?.open !== undefined) starting.use(authenticator.open());
  const authentication = new Authentication({ authenticator, workerId: id, observer, clock });
  const faults = new Faults(observer, clock);
  const records = new CallRecords(observer, "worker", clock);
  const gate = new CallGate(limits, () => clock.now());
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
    execution: new Execution(invoke, threads, watchdog),
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
  const anonymous = networks === undefined
    ? undefined
    : await anonymousAdmission(options, { gate, limits, authorization, observer, clock });
  const leaving = new Leaving({ id, gate, queue, health, observer, clock });
  const hook = options.admit === undefined ? undefined : {
    admit: options.admit,
    load: () => ({ inFlight: gate.inFlight, queued: queue.length }),
    failed: (error: unknown) => faults.report("admit", error),
  };
  const handler = createRequestHandler({
    router,
    admit: recordRefusals(
      admitCalls({ table, queue, hook, leaving, authentication, authorization, anonymous }),
      table,
      records,
    ),
    gatheredBytes: options.limits?.gatheredBytes,
    onFault: (error, path) => faults.report("rpc", error, { path }),
  });
  const budget = byteBudget(options.limits?.heldBytes);
  const resets = new PeerResets(limits.http2, () => performance.now());
  starting.use(watchEventLoop(hub.metrics, clock));
  const peerExpiry = starting.use(new PeerExpiry(observer, "worker", clock));
  const servePeer = (peer: AcceptedPeer, isOwn: boolean): ServerConnectionOptions => {
    if (peer.facts.security === "plaintext") tellPlaintext(observer, peer);
    const isAnonymous = anonymous !== undefined && peer.facts.security === "plaintext";
    const connected = new ConnectedPeer(peer, { anonymous: isAnonymous, own: isOwn, clock });
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
      budget,
    };
  };
  const listening: ListenForPeersOptions = {
    workerId: id,
    credentials,
    allow,
    onPeer: (peer) => servePeer(peer, false),
    onFault: (error, address) => faults.report("peer", error, { peer: { address } }),
    clock,
    observer,
    handshakeTimeoutMs: limits.handshakeTimeoutMs,
    admission: new SocketAdmission(limits),
    distrustGraceMs: limits.distrustGraceMs,
    connectionAgeMs: limits.connectionAgeMs,
    verdict: limits.verdict,
    ...present({
      minTlsVersion: options.minTlsVersion,
      nativeTls: options.nativeTls,
      acceptsPlaintext: networks && ((address: string) => networks.has(address)),
    }),
  };
  const listeners: PeerListener[] = [];
  for (const address of addresses) {
    // What never leaves the process is not of a generation: credentials say nothing of it.
    const own = address.kind === "memory" ? { ...listening, credentials: undefined } : listening;
    const onListening = (accepts: boolean) => health.listening(address, accepts);
    listeners.push(starting.use(await listenForPeers(address, { ...own, onListening })));
  }
  const advertised = options.advertise ?? formatAddress((listeners[0] as PeerListener).address);
  // It goes on until the last call is over: what runs may need it.
  if (own !== undefined) {
    starting.use(
      await listenForOwn(own, {
        ...listening,
        credentials: undefined,
        nativeTls: false,
        own,
        onPeer: (peer) => servePeer(peer, true),
      }),
    );
  }
  [advertised, ...listeners.map(({ address }) => formatAddress(address))]
    .forEach((address) => own?.addresses.add(address));
  const healthListener = healthAddress === undefined ? undefined : starting.use(
    await listenForHealth(healthAddress, {
      health,
      expired: () => (credentials?.current().own?.leaf.notAfter ?? Infinity) + 1_000 < clock.now(),
      metrics: scraped,
      descriptors: limits.descriptors,
      clock,
      observer,
    }),
  );
  const [first] = listeners as [PeerListener, ...PeerListener[]];
  await insistOnOwnSockets(options, listeners);
  const posture = postureOf(options, listeners, authenticator);
  reportPosture(observer, listeners, posture);
  const rehearse = (wanted: RehearseOptions) =>
    rehearseClients(wanted, {
      listeners,
      allow,
      denylist: options.denylist,
      verdict: options.verdict,
      limits: limits.verdict,
      clock,
    });
  if (options.admin !== undefined && kept !== undefined) {
    starting.use(
      await openAdmin(options.admin, {
        id,
        address: advertised,
        gate,
        hub,
        posture,
        listeners,
        credentials,
        metrics: kept,
        clock,
        rehearse,
      }),
    );
  }
  observer.emit({
    type: "worker.ready",
    workerId: id,
    address: advertised,
    security: first.security,
  });
  const publication = use(
    starting,
    discovery && await Publication.start({
      discovery,
      announcement: {
        id,
        address: advertised,
        tls: first.security.endsWith("-tls"),
        tags: options.tags ?? [],
      },
      credentials,
      clock,
      observer,
    }),
  );
  const resources = starting.move();
  return {
    id,
    advertised,
    security: first.security,
    listeners,
    healthListener,
    gate,
    hub,
    posture,
    rehearse,
    drainGraceMs: limits.drainGraceMs,
    async stop(graceMs) {
      // Callers that look for workers find it no longer while it finishes its calls.
      if (publication !== undefined) await publication[Symbol.asyncDispose]();
      await leaving.leave(listeners, healthListener, resources, graceMs);
    },
  };
}

/** A worker in memory, for tests, runs wherever its caller does. */
function insistOnDeno(addresses: readonly Address[]): void {
  const elsewhere = requireDeno("WorkerServer");
  if (elsewhere === undefined || addresses.every(({ kind }) => kind === "memory")) return;
  throw new ConfigurationError(elsewhere, { setting: "runtime" });
}

function addressesOf(listen: string | readonly string[]): readonly [Address, ...Address[]] {
  const texts = typeof listen === "string" ? [listen] : listen;
  const [first, ...rest] = texts.map((text) => parseAddress(text, "listen"));
  if (first !== undefined) return [first, ...rest];
  throw new ConfigurationError("listen names no address", { setting: "listen" });
}

async function startThreads(
  options: WorkerServerOptions,
  invoke: InvokeOptions,
  { threadGraceMs: graceMs }: EveryWorkerLimit,
  clock: Clock,
  metrics: Metrics,
): Promise<ThreadPool> {
  const { modules = [], threads = Math.max(1, navigator.hardwareConcurrency - 1) } = options;
  return await createThreadPool({
    modules: modules.map(specifierOf),
    threads,
    invoke,
    graceMs,
    clock,
    queued: (change) => metrics.queued(change),
  });
}

/** Notices which routine blocks the event loop. */
function watchdogFor(
  workerId: string,
  table: RoutineTable,
  { blockedAfterMs }: EveryWorkerLimit,
  observer: Observer,
): LoopWatchdog {
  return new LoopWatchdog({
    workerId,
    routines: table.describe().map(({ name }) => name),
    afterMs: blockedAfterMs,
    onBlocked: ({ routine, others, emitted }, blockedMs) => {
      if (!emitted) observer.emit({ type: "worker.blocked", workerId, routine, others, blockedMs });
    },
  });
}

/** Listens for the calls of the worker's own routines. */
function listenForOwn(own: OwnSocket, options: ListenForPeersOptions): Promise<PeerListener> {
  return listenForPeers({ kind: "unix", path: own.path }, options);
}

/** Who may call what, where that is said. */
async function openPolicy(
  { policy, authenticate }: WorkerServerOptions,
  { observer, clock, faults }: { observer: Observer; clock: Clock; faults: Faults },
): Promise<Authorization | undefined> {
  if (policy === undefined) return undefined;
  const hookFailed = (error: unknown) => faults.report("policy", error);
  const claims = authenticate !== undefined;
  const authorizer = await openAuthorizer(policy, { observer, clock, claims, hookFailed });
  return new Authorization({ authorizer, observer, failed: hookFailed });
}

/** What decides about callers without identity: their routines, their places, and the policy besides. */
async function anonymousAdmission(
  { anonymous }: WorkerServerOptions,
  { gate, limits, authorization, observer, clock }: {
    gate: CallGate;
    limits: EveryWorkerLimit;
    authorization: Authorization | undefined;
    observer: Observer;
    clock: Clock;
  },
): Promise<AnonymousAdmission> {
  const { routines = [], concurrency = Math.max(1, Math.floor(limits.concurrency / 4)) } =
    anonymous ?? {};
  const allow = { effect: "allow", who: ["anonymous"], what: routines } as const;
  const own = await openAuthorizer(
    { default: "deny", rules: routines.length === 0 ? [] : [allow] },
    {
      observer,
      clock,
      claims: false,
      hookFailed: () => {},
    },
  );
  const places = new CallGate(
    { concurrency, concurrencyPerPeer: concurrency },
    () => clock.now(),
  );
  return {
    gate: enterBoth(places, gate),
    authorization: new Authorization({
      authorizer: new BothAuthorizers(own, authorization?.authorizer),
      observer,
    }),
  };
}

/** A socket for calls of its own routines, where they can call: it has credentials, or is told where workers are. */
async function ownSocketOf(
  { dispatcher }: WorkerServerOptions,
  options: OwnSocketOptions,
): Promise<OwnSocket | undefined> {
  if (dispatcher === undefined && options.credentials === undefined) return undefined;
  if (dispatcher !== undefined && staysInMemory(dispatcher.discovery)) return undefined;
  return await OwnSocket.make(options);
}

/** What the dispatcher of a worker's own routines stands on. */
interface DispatcherGroundOfWorker {
  readonly credentials: CredentialsSource | undefined;
  readonly hub: EventHub;
  readonly id: string;
  readonly clock: Clock;
  readonly own: OwnSocket | undefined;
}

/**
 * The dispatcher of the worker's own routines: with its credentials, unless it is given others. Without a discovery
 * it finds the worker itself. Ambient values go with its calls only where the trust is the worker's own.
 */
async function openDispatcher(
  { dispatcher, strict }: WorkerServerOptions,
  { credentials, hub, id, clock, own }: DispatcherGroundOfWorker,
): Promise<Dispatcher | undefined> {
  if (dispatcher === undefined) {
    if (own === undefined) return undefined;
    const source = { discovery: own.discovery };
    return await dispatcherOver([source], { strict }, { clock, id, own, inherits: "everything" });
  }
  const lent = credentials === undefined || staysInMemory(dispatcher.discovery)
    ? undefined
    : credentialsFrom(() => lend(credentials));
  const source = { ...dispatcher, credentials: dispatcher.credentials ?? lent };
  const inherits = dispatcher.credentials === undefined ? "everything" : "bounds";
  return await dispatcherOver([source], dispatcher, { hub, clock, id, own, inherits });
}

/** Whether the configuration names nobody but in this process, where there is nobody to prove. */
function staysInMemory(discovery: WorkerSource["discovery"]): boolean {
  return typeof discovery === "string" && /^static:memory:[^,]+(,memory:[^,]+)*$/.test(discovery);
}

/** The worker's credentials, which are not the dispatcher's to close. */
function lend(source: CredentialsSource): Promise<CredentialsSource> {
  return Promise.resolve({
    current: () => source.current(),
    subscribe: (listener) => source.subscribe(listener),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
}

function use<Resource extends AsyncDisposable | undefined>(
  stack: AsyncDisposableStack,
  resource: Resource,
): Resource {
  stack.use(resource);
  return resource;
}
