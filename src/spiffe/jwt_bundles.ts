import { formatAddress, type UnixAddress } from "../channel/mod.ts";
import { escapePeerText } from "../errors/mod.ts";
import type { JWTBundlesResponse } from "../gen/spiffe/mod.ts";
import { parseSpiffeId } from "../identity/mod.ts";
import { type Clock, loggerFor } from "../observe/mod.ts";
import { followAgent } from "./agent_stream.ts";

/** How the keys of trust domains are followed. */
export interface JwtBundlesOptions {
  /** The agent. */
  readonly endpoint: UnixAddress;
  /** The time. */
  readonly clock: Clock;
  /** Receives each version: what the agent gave for each trust domain, parsed. */
  readonly onBundles: (bundles: ReadonlyMap<string, unknown>) => void;
}

/**
 * Follows the keys by which an agent verifies JWT-SVIDs, of its own trust domain and of those federated with it. While
 * the agent is away, the last ones stay.
 */
export class JwtBundles implements AsyncDisposable {
  readonly #options: JwtBundlesOptions;
  readonly #closing = new AbortController();
  readonly #following: Promise<void>;

  /** Begins to follow. */
  constructor(options: JwtBundlesOptions) {
    this.#options = options;
    const { endpoint, clock } = options;
    this.#following = followAgent(endpoint, { signal: this.#closing.signal, clock }, {
      ask: (agent, request) => agent.fetchJWTBundles({}, request),
      take: (answer) => this.#take(answer),
      lost: (why) => this.#warn(why),
    });
  }

  /** Ends the stream. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#following;
  }

  #take({ bundles }: JWTBundlesResponse): true {
    const byDomain = new Map<string, unknown>();
    for (const [domain, bytes] of Object.entries(bundles)) {
      const id = parseSpiffeId(domain);
      if (id === undefined || id.segments.length > 0) {
        this.#warn(`${JSON.stringify(domain)} is not a trust domain`);
        continue;
      }
      try {
        byDomain.set(id.trustDomain, JSON.parse(new TextDecoder().decode(bytes)));
      } catch {
        this.#warn(`the keys of ${domain} are not JSON`);
      }
    }
    this.#options.onBundles(byDomain);
    return true;
  }

  #warn(why: string): void {
    loggerFor("security").warn("the SPIFFE Workload API at {endpoint}: {why}", {
      endpoint: formatAddress(this.#options.endpoint),
      why: escapePeerText(why),
    });
  }
}
