import { ConfigurationError, unusable } from "../../errors/mod.ts";
import { type Address, SocketAdmission, socketLimitsOf } from "../../channel/mod.ts";
import type { Clock, Observer, PrometheusMetrics } from "../../observe/mod.ts";
import { listenForPeers, type PeerListener } from "../../peer/mod.ts";
import { createRequestHandler, createRpcRouter } from "../../rpc/mod.ts";
import { FirstProtocol } from "../first_protocol.ts";
import type { WorkerHealth } from "./health.ts";
import { answerProbes, type ProbeResponse } from "./probe_responses.ts";

/** What a health listener answers. */
export interface HealthListenerOptions {
  readonly health: WorkerHealth;
  /** Whether the worker's own certificate has ended: then no caller can prove it. */
  readonly expired: () => boolean;
  /** What may be scraped at `/metrics`; nothing where it is not asked for. */
  readonly metrics: PrometheusMetrics | undefined;
  /** How many descriptors the process may have. */
  readonly descriptors: number;
  readonly clock: Clock;
  readonly observer: Observer;
}

/** A probe names a service; anyone who reaches the port may send one. */
const PROBE_BYTES = 4 * 1024;
/** Of so many descriptors the health listener may have one; at most {@linkcode MOST_PROBES}. */
const DESCRIPTORS_A_PROBE = 16;
/** How long a text of metrics is shown again, in milliseconds. */
const METRICS_MS = 1_000;
/** Calls at once on one connection of a probe, watches among them. */
const STREAMS_A_PROBE = 16;
/** Connections of probes at once. */
const MOST_PROBES = 64;

/**
 * Listens for probes that have no certificate, in plaintext: `grpc.health.v1.Health` over HTTP/2, and
 * `/livez`, `/readyz` and, where it is asked for, `/metrics` over HTTP/1.1, one request a connection.
 *
 * @throws {ConfigurationError} If the address cannot be listened on.
 */
export function listenForHealth(
  address: Address,
  options: HealthListenerOptions,
): Promise<PeerListener> {
  const { health, descriptors, clock, observer } = options;
  const router = createRpcRouter({ limits: { messageBytes: PROBE_BYTES } });
  health.serve(router);
  const connections = Math.min(MOST_PROBES, Math.ceil(descriptors / DESCRIPTORS_A_PROBE));
  const release = () => {};
  const handler = createRequestHandler({
    router,
    admit: () => ({ admitted: true, context: undefined, release }),
  });
  const answer = answerProbes(pathsOf(options));
  return listenForPeers(address, {
    workerId: "health",
    credentials: undefined,
    allow: [],
    onPeer: (peer) => ({
      onRequest: handler(peer),
      limits: { maxConcurrentStreams: STREAMS_A_PROBE },
    }),
    channel: (channel) => new FirstProtocol(channel, answer, clock),
    admission: new SocketAdmission(socketLimitsOf(descriptors, { connections })),
    clock,
    observer: listenerEvents(observer),
  }).catch((error) => {
    if (!(error instanceof ConfigurationError)) throw error;
    throw unusable("health", error.message, error);
  });
}

function pathsOf(
  { health, expired, metrics, clock }: HealthListenerOptions,
): ReadonlyMap<string, () => ProbeResponse> {
  const paths = new Map<string, () => ProbeResponse>([
    ["/livez", () => ({ status: 200, text: "ok\n" })],
    [
      "/readyz",
      () =>
        health.serving && !expired()
          ? { status: 200, text: "ok\n" }
          : { status: 503, text: "not serving\n" },
    ],
  ]);
  if (metrics !== undefined) {
    const type = metrics.contentType;
    let text = "";
    let until = -Infinity;
    // Anybody who reaches the port may ask as often as they like: the text is made once a second.
    paths.set("/metrics", () => {
      if (clock.steady() >= until) {
        text = metrics.text();
        until = clock.steady() + METRICS_MS;
      }
      return { status: 200, type, text };
    });
  }
  return paths;
}

/** Probes come and go, some without a word: only what becomes of the listener itself is reported. */
function listenerEvents(observer: Observer): Observer {
  return {
    metrics: observer.metrics,
    as: (origin) => listenerEvents(observer.as(origin)),
    emit: (event) => {
      if (event.type === "listener.failed" || event.type === "listener.recovered") {
        observer.emit(event);
      }
    },
  };
}
