import type { Clock } from "../../observe/mod.ts";
import type { TokenRequirement } from "./authenticator.ts";

/** Which JWT-SVIDs are accepted, and where their keys come from. */
export interface JwtSvidVerification {
  /** Whom the tokens are for: this worker's SPIFFE ID, or the name of its pool. */
  readonly audience: string | readonly string[];
  /**
   * The agent's unix socket: a path, or a URI such as `unix:///run/spire/agent.sock`.
   * Default: the URI in the environment variable `SPIFFE_ENDPOINT_SOCKET`.
   */
  readonly socket?: string;
  /**
   * The trust domains whose workloads are accepted. Default: each that the agent gives keys of, its own and those that
   * are federated with it.
   */
  readonly trustDomains?: readonly string[];
  /** What a call must show. Default: `token`. */
  readonly require?: TokenRequirement;
  /** How far the clocks of agent and worker may differ, in seconds, at most 300. Default 30. */
  readonly clockToleranceS?: number;
  /** How long the first tokens wait for the agent's keys, in milliseconds. Default 5,000. */
  readonly waitMs?: number;
  /** The time. Default: the machine's clock. */
  readonly clock?: Clock;
}
