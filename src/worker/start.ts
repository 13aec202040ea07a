import { type Address, parseAddress } from "../channel/mod.ts";
import { openCredentials, verdictOption } from "../credentials/mod.ts";
import { insistOnChoice, unusable } from "../errors/mod.ts";
import {
  type ChannelSecurity,
  EventHub,
  Metrics,
  PrometheusMetrics,
  systemClock,
} from "../observe/mod.ts";
import type { PeerListener, Rehearsal, RehearsalRequest, RehearseOptions } from "../peer/mod.ts";
import { closeUnusedTimers, requireDeno } from "../platform/mod.ts";
import type { CallGate } from "./admission/call_gate.ts";
import { anonymousNetworks } from "./admission/anonymous.ts";
import { openWorkerAdmin } from "./worker_admin.ts";
import { rehearseClients } from "./rehearse.ts";
import { listenForHealth } from "./health/health_listener.ts";
import { outliveInputFailures } from "./input_failures.ts";
import { resolveWorkerLimits } from "./limits.ts";
import { openListeners } from "./listening.ts";
import { insistOnWorkerNames } from "./option_names.ts";
import type { WorkerServerOptions } from "./options.ts";
import {
  acceptedClients,
  allowedPeers,
  authenticatorOf,
  insistOnOwnSockets,
  insistOnStrict,
  postureOf,
  reportPosture,
  type WorkerPosture,
} from "./posture.ts";
import { Publication, publishedTo } from "./publication.ts";
import { openExecution } from "./serving/open_execution.ts";
import { serveCalls } from "./serving/call_serving.ts";
import { use } from "./use.ts";
import { present } from "../values/mod.ts";
import { keyExchanges } from "./worker_peers.ts";

/** The parts of a worker that takes calls. */
export interface StartedWorker {
  readonly id: string;
  /** The address that others reach it by. */
  readonly advertised: string;
  /** How its first listener is protected. */
  readonly security: ChannelSecurity;
  /** Where it takes calls. */
  readonly listeners: readonly PeerListener[];
  /** Where its health is served apart. */
  readonly healthListener: PeerListener | undefined;
  readonly gate: CallGate;
  readonly hub: EventHub;
  readonly posture: () => WorkerPosture;
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
 * @throws The signal's reason, where it aborts before the worker takes calls.
 */
export async function startParts(options: WorkerServerOptions): Promise<StartedWorker> {
  insistOnWorkerNames(options);
  const { id = crypto.randomUUID(), signal } = options;
  signal?.throwIfAborted();
  const limits = resolveWorkerLimits(options.limits);
  const clock = systemClock;
  const addresses = addressesOf(options.listen ?? "127.0.0.1:0");
  insistOnDeno(addresses);
  insistOnChoice("strict", options.strict, [true, false]);
  insistOnChoice("reflection", options.reflection, [true, false]);
  insistOnChoice("minTlsVersion", options.minTlsVersion, ["TLSv1.2", "TLSv1.3"]);
  if (options.advertise !== undefined) parseAddress(options.advertise, "advertise");
  const discovery = options.publish === undefined ? undefined : publishedTo(options.publish);
  const healthAddress = options.health === undefined
    ? undefined
    : parseAddress(options.health, "health");
  if (options.metrics === true && healthAddress === undefined) {
    throw unusable("metrics", "metrics are shown where health is served: set health, too");
  }
  outliveInputFailures();
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
      ...present({ signal }),
      ...verdictOption(options),
      ...acceptedClients(options),
    }),
  );
  const allow = allowedPeers(options, addresses, credentials?.current());
  const ground = { id, limits, clock, hub, credentials, allow };
  const opened = await openExecution(options, ground, starting);
  const authenticator = authenticatorOf(options, addresses, credentials?.current());
  insistOnStrict(options, credentials?.current(), authenticator, healthAddress);
  const networks = anonymousNetworks(options, addresses);
  const serving = await serveCalls(
    options,
    { ...ground, ...opened, authenticator, servesAnonymous: networks !== undefined },
    starting,
  );
  const { gate, health, leaving } = serving;
  const { listeners, advertised } = await openListeners(
    options,
    { ...ground, addresses, networks, serving, own: opened.own },
    starting,
  );
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
  const { security } = listeners[0];
  await insistOnOwnSockets(options, listeners);
  const atStart = postureOf(options, listeners, authenticator, healthListener?.address);
  reportPosture(observer, listeners, atStart);
  const posture = () => ({ ...atStart, keyExchange: keyExchanges(listeners) });
  const rehearse = (wanted: RehearsalRequest) =>
    rehearseClients(wanted, {
      listeners,
      source: credentials,
      allow,
      denylist: options.denylist,
      verdict: options.verdict,
      limits: limits.verdict,
      clock,
    });
  if (options.admin !== undefined && kept !== undefined) {
    starting.use(
      await openWorkerAdmin(options.admin, {
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
  signal?.throwIfAborted();
  const publication = use(
    starting,
    discovery && await Publication.start({
      discovery,
      announcement: {
        id,
        address: advertised,
        tls: security.endsWith("-tls"),
        tags: options.tags ?? [],
      },
      credentials,
      clock,
      observer,
      ...present({ signal }),
    }),
  );
  observer.emit({
    type: "worker.ready",
    workerId: id,
    address: advertised,
    security,
  });
  const resources = starting.move();
  return {
    id,
    advertised,
    security,
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
      closeUnusedTimers();
    },
  };
}

/** A worker in memory, for tests, runs wherever its caller does. */
function insistOnDeno(addresses: readonly Address[]): void {
  const elsewhere = requireDeno("WorkerServer");
  if (elsewhere === undefined || addresses.every(({ kind }) => kind === "memory")) return;
  throw unusable("runtime", elsewhere);
}

function addressesOf(listen: string | readonly string[]): readonly [Address, ...Address[]] {
  const texts = typeof listen === "string" ? [listen] : listen;
  const [first, ...rest] = texts.map((text) => parseAddress(text, "listen"));
  if (first !== undefined) return [first, ...rest];
  throw unusable("listen", "listen names no address");
}
