import { type Credentials, credentialsFrom } from "../credentials/mod.ts";
import { insistOnNames, type OptionNames, unusable } from "../errors/mod.ts";
import { parseSpiffeId } from "../identity/mod.ts";
import { endpointOfEnv, endpointSocket } from "./endpoint_socket.ts";
import type { SvidChoice } from "./svid_choice.ts";

/** Where the SPIFFE Workload API is, and what to take of what it gives. */
export interface WorkloadApiOptions extends SvidChoice {
  /**
   * The agent's unix socket: a path, or a URI such as `unix:///run/spire/agent.sock`.
   * Default: the URI in the environment variable `SPIFFE_ENDPOINT_SOCKET`.
   */
  readonly socket?: string;
  /**
   * How long the first identity is waited for, in milliseconds: an agent may come up later, and an
   * identity may be registered later. Default 30,000.
   */
  readonly waitMs?: number;
}

const NAMES = {
  socket: true,
  id: true,
  hint: true,
  waitMs: true,
} satisfies OptionNames<WorkloadApiOptions>;

/**
 * Credentials from the SPIFFE Workload API: an X.509-SVID with the bundle of its trust domain and of
 * every domain that is federated with it, taken up whenever the agent sends new ones. While the agent
 * is away, or gives us nothing, the last good ones stay. Each bundle vouches for SPIFFE IDs of its own
 * domain and for nothing else; revocation lists are not used.
 *
 * @throws {ConfigurationError} where the options make no sense; on opening, where there is no socket to
 *   ask or no usable identity within `waitMs`.
 */
export function spiffeWorkloadApi(options: WorkloadApiOptions = {}): Credentials {
  insistOnNames("spiffeWorkloadApi()", options, NAMES);
  const { socket, id, hint, waitMs = 30_000 } = options;
  const endpoint = socket === undefined ? undefined : endpointSocket(socket, "socket");
  if (id !== undefined && (parseSpiffeId(id)?.segments.length ?? 0) === 0) {
    throw unusable("id", `${JSON.stringify(id)} is not a workload's SPIFFE ID`);
  }
  if (hint === "") throw unusable("hint", "hint is empty");
  if (!(waitMs > 0)) {
    throw unusable("waitMs", "waitMs must be a positive number of milliseconds");
  }
  const choice = { id, hint };
  return credentialsFrom(async (opening) => {
    const settings = { endpoint: endpoint ?? endpointOfEnv(), choice, waitMs };
    // Loaded only now, with a gRPC client: workers with files do without.
    const { openSvids } = await import("./svid_watch.ts");
    return await openSvids(settings, opening);
  });
}
