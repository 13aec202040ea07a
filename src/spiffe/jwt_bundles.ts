import { formatAddress, type UnixAddress } from "../channel/mod.ts";
import { escapePeerText } from "../errors/mod.ts";
import type { JWTBundlesResponse } from "../gen/mod.ts";
import { parseSpiffeId } from "../identity/mod.ts";
import { backoffMs, type Clock, loggerFor, pause } from "../observe/mod.ts";
import { AGENT_BACKOFF, agentStream } from "./agent_stream.ts";
import { messageOf } from "../values/mod.ts";

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
  #failures = 0;

  /** Begins to follow. */
  constructor(options: JwtBundlesOptions) {
    this.#options = options;
    this.#following = this.#follow();
  }

  /** Ends the stream. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#following;
  }

  async #follow(): Promise<void> {
    const { endpoint, clock } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        const answers = agentStream(
          endpoint,
          { signal, clock },
          (agent, request) => agent.fetchJWTBundles({}, request),
        );
        for await (const answer of answers) this.#take(answer);
        this.#failed("it ended the stream");
      } catch (error) {
        this.#failed(messageOf(error));
      }
      if (!signal.aborted) await this.#pause();
    }
  }

  #take({ bundles }: JWTBundlesResponse): void {
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
    this.#failures = 0;
    this.#options.onBundles(byDomain);
  }

  #failed(why: string): void {
    if (!this.#closing.signal.aborted) this.#warn(why);
  }

  #warn(why: string): void {
    loggerFor("security").warn("the SPIFFE Workload API at {endpoint}: {why}", {
      endpoint: formatAddress(this.#options.endpoint),
      why: escapePeerText(why),
    });
  }

  #pause(): Promise<void> {
    return pause(
      this.#options.clock,
      backoffMs(this.#failures++, AGENT_BACKOFF),
      this.#closing.signal,
    );
  }
}
