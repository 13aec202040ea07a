import { escapePeerText, unusable } from "../errors/mod.ts";
import { formatAddress } from "../channel/mod.ts";
import type { JWTSVIDResponse } from "../gen/spiffe/mod.ts";
import { parseSpiffeId } from "../identity/mod.ts";
import { type Clock, systemClock } from "../observe/mod.ts";
import { agentStream } from "./agent_stream.ts";
import { endpointOfEnv, endpointSocket } from "./endpoint_socket.ts";
import { messageOf } from "../values/mod.ts";

/** Which JWT-SVIDs are asked for, and where. */
export interface JwtSvidOptions {
  /** Whom they are for: what the workers verify as `audience`. */
  readonly audience: string | readonly string[];
  /**
   * The agent's unix socket: a path, or a URI such as `unix:///run/spire/agent.sock`.
   * Default: the URI in the environment variable `SPIFFE_ENDPOINT_SOCKET`.
   */
  readonly socket?: string;
  /** Which identity to take, where the workload has several: its SPIFFE ID. Default: the agent's first. */
  readonly id?: string;
  /** The time. Default: the machine's clock. */
  readonly clock?: Clock;
}

/**
 * A token source for callers: JWT-SVIDs of the SPIFFE Workload API, each fetched anew when the last one is near its
 * end.
 *
 * @throws {ConfigurationError} If an option is missing or invalid, or no socket is known. What the function that is
 * returned throws says why the agent gave no token.
 */
export function spiffeJwtSvid(options: JwtSvidOptions): () => Promise<string> {
  const { socket, id = "", clock = systemClock } = options;
  const audience = typeof options.audience === "string" ? [options.audience] : options.audience;
  if (!Array.isArray(audience) || audience.length === 0 || audience.some((one) => !one?.trim())) {
    throw unusable("audience", "audience is required: one text that is not blank, or several");
  }
  if (id !== "" && (parseSpiffeId(id)?.segments.length ?? 0) === 0) {
    throw unusable("id", `${JSON.stringify(id)} is not a workload's SPIFFE ID`);
  }
  const endpoint = socket === undefined ? endpointOfEnv() : endpointSocket(socket, "socket");
  const request = { audience: [...audience], spiffeId: id };
  return async () => {
    const asking = { signal: new AbortController().signal, clock };
    const answers = agentStream(endpoint, asking, async function* (agent, options) {
      yield await agent.fetchJWTSVID(request, options);
    });
    try {
      for await (const answer of answers) return tokenOf(answer, id);
      throw new Error("it gave no answer");
    } catch (cause) {
      const why = escapePeerText(messageOf(cause));
      throw new Error(`the SPIFFE Workload API at ${formatAddress(endpoint)}: ${why}`, { cause });
    }
  };
}

function tokenOf({ svids }: JWTSVIDResponse, id: string): string {
  const chosen = id === "" ? svids[0] : svids.find(({ spiffeId }) => spiffeId === id);
  if (chosen === undefined || chosen.svid === "") {
    throw new Error(id === "" ? "it gave no JWT-SVID" : `it gave no JWT-SVID of ${id}`);
  }
  return chosen.svid;
}
