import { env } from "node:process";
import { parseAddress } from "../../channel/mod.ts";
import { Credentials } from "../../credentials/mod.ts";
import { insistOnNames, type OptionNames } from "../../errors/mod.ts";
import { parsePatterns } from "../../identity/mod.ts";
import { type Clock, systemClock } from "../../observe/mod.ts";
import { readTextFile } from "../../platform/mod.ts";
import type { Discovery } from "../discovery.ts";
import { invalid, urlParameters } from "../setting.ts";
import type { ServicePort } from "./endpoint_slices.ts";

/** Which service, and how its API server is reached where that is not from within a pod. */
export interface KubernetesDiscoveryOptions {
  /** The namespace. */
  readonly namespace: string;
  /** The service. */
  readonly service: string;
  /** The port of the workers, its number or its name. Default: the only one that the service has. */
  readonly port?: number | string | undefined;
  /** The API server, `HOST:PORT`. Default: that of the cluster this pod is in. */
  readonly apiServer?: string | undefined;
  /** The file of the authorities to trust. Default: the service account's. */
  readonly ca?: string | undefined;
  /** The file of the token, read anew for each request. Default: the service account's. */
  readonly tokenFile?: string | undefined;
  /** Who the API server must prove to be. Default: `kubernetes.default.svc`. */
  readonly identity?: string | readonly string[] | undefined;
  /** The time. Default: the machine's clock. */
  readonly clock?: Clock | undefined;
}

/** A larger file holds no token. */
const MAX_TOKEN_BYTES = 64 * 1024;

/** Where Kubernetes puts the files of a pod's service account. */
export const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

/** The variables by which a pod knows the API server. */
export const API_SERVER_VARIABLES = ["KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"] as const;

const NAMES = {
  namespace: true,
  service: true,
  port: true,
  apiServer: true,
  ca: true,
  tokenFile: true,
  identity: true,
  clock: true,
} satisfies OptionNames<KubernetesDiscoveryOptions>;

/**
 * The pods of a service, by its EndpointSlices: needs `list` and `watch` of `endpointslices` in
 * `discovery.k8s.io`, by the pod's service account. Nothing is announced: Kubernetes does that.
 *
 * @throws {ConfigurationError} If a name is not valid in Kubernetes, or no API server is known.
 */
export function kubernetesDiscovery(options: KubernetesDiscoveryOptions): Discovery {
  insistOnNames("kubernetesDiscovery()", options, NAMES);
  const { namespace, service, port, clock = systemClock } = options;
  for (const [what, name] of [["namespace", namespace], ["service", service]] as const) {
    if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name)) {
      throw invalid(`${JSON.stringify(name)} is not the name of a Kubernetes ${what}`);
    }
  }
  const expected = parsePatterns(options.identity ?? "kubernetes.default.svc");
  const { ca = `${SERVICE_ACCOUNT}/ca.crt`, tokenFile = `${SERVICE_ACCOUNT}/token` } = options;
  const shownPort = port === undefined ? "" : `:${port}`;
  return {
    source: `k8s:${namespace}/${service}${shownPort}`,
    namesWorkers: false,
    async *watch(signal) {
      const authority = options.apiServer ?? apiServerOfPod();
      // Loaded only when an API server is asked: a process that finds workers elsewhere does without.
      const { ApiClient } = await import("./api_client.ts");
      const { SliceWatch } = await import("./slice_watch.ts");
      await using client = new ApiClient({
        endpoint: parseAddress(authority, "discovery"),
        authority,
        credentials: Credentials.trustOnly({ ca }),
        expected,
        token: async () => (await readTextFile(tokenFile, MAX_TOKEN_BYTES)).trim(),
        clock,
      });
      yield* new SliceWatch({ client, namespace, service, port, clock }).changes(signal);
    },
  };
}

/**
 * The discovery that `k8s:NAMESPACE/SERVICE[:PORT]` names, and from outside of a cluster
 * `k8s:NAMESPACE/SERVICE[:PORT]?api=HOST:PORT&ca=FILE&token=FILE[&identity=ID]`.
 *
 * @param rest What follows `k8s:`.
 * @throws {ConfigurationError} If `rest` is not of one of these forms.
 */
export function kubernetesFromUrl(rest: string): Discovery {
  const match = /^([^/?:]+)\/([^/?:]+)(?::([^/?:]+))?(?:\?(.*))?$/.exec(rest);
  if (match === null) {
    throw invalid("k8s discovery is written k8s:NAMESPACE/SERVICE[:PORT]");
  }
  const [, namespace = "", service = "", port, query] = match;
  const parameters = urlParameters("k8s", query, ["api", "ca", "token", "identity"]);
  const identity = parameters.getAll("identity");
  return kubernetesDiscovery({
    namespace,
    service,
    port: portOf(port),
    apiServer: parameters.get("api") ?? undefined,
    ca: parameters.get("ca") ?? undefined,
    tokenFile: parameters.get("token") ?? undefined,
    identity: identity.length === 0 ? undefined : identity,
  });
}

function portOf(text: string | undefined): ServicePort {
  if (text === undefined || !/^\d+$/.test(text)) return text;
  const port = Number(text);
  if (port >= 1 && port <= 65_535) return port;
  throw invalid(`${text} is not a port, 1 to 65535`);
}

function apiServerOfPod(): string {
  const [host, port] = API_SERVER_VARIABLES.map((name) => env[name]);
  if (host === undefined || port === undefined) {
    throw invalid(
      "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set, so this is no pod; from elsewhere " +
        "give api=HOST:PORT, ca=FILE and token=FILE",
    );
  }
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
