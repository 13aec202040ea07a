import { Code, ConnectError } from "@connectrpc/connect";
import { formatAddress, type UnixAddress } from "../channel/mod.ts";
import {
  assemble,
  configurationError,
  type CredentialRejection,
  type CredentialsSource,
  CredentialsStore,
  type OpenCredentialsOptions,
  rejection,
} from "../credentials/mod.ts";
import { escapePeerText } from "../errors/mod.ts";
import type { X509SVIDResponse } from "../gen/spiffe/mod.ts";
import { type Clock, systemClock } from "../observe/mod.ts";
import { wantsPermission } from "../platform/mod.ts";
import type { SvidChoice } from "./svid_choice.ts";
import { readSvids } from "./svid_response.ts";
import { followAgent } from "./agent_stream.ts";
import { onAbort } from "../values/mod.ts";

/** What is watched. */
export interface SvidSettings {
  /** The agent. */
  readonly endpoint: UnixAddress;
  /** Which identity to take. */
  readonly choice: SvidChoice;
  /** How long the first one is waited for, in milliseconds. */
  readonly waitMs: number;
}

/** Errors that say that we ask for what this agent will never give (Workload Endpoint, appendix A). */
const HOPELESS: ReadonlySet<Code> = new Set([Code.InvalidArgument, Code.Unimplemented]);

/** Opens credentials that follow the agent. */
export async function openSvids(
  settings: SvidSettings,
  options: OpenCredentialsOptions,
): Promise<CredentialsSource> {
  const watch = new SvidWatch(settings, options);
  try {
    await watch.begin(options.signal);
  } catch (error) {
    await watch.store[Symbol.asyncDispose]();
    throw error;
  }
  return watch.store;
}

/** Follows one stream after another, and offers what each response holds. */
class SvidWatch {
  readonly store: CredentialsStore;
  readonly #settings: SvidSettings;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  readonly #first = Promise.withResolvers<void>();
  #following: Promise<void> = Promise.resolve();
  #lastRejection: CredentialRejection | undefined;

  constructor(settings: SvidSettings, options: OpenCredentialsOptions) {
    this.#settings = settings;
    this.#clock = options.clock ?? systemClock;
    this.store = new CredentialsStore(options, () => this.#close());
  }

  /** Settles with the first identity that can be used, or with why there is none. */
  async begin(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    const { waitMs } = this.#settings;
    const nothing = () => this.#first.reject(this.#nothingWithin(waitMs));
    using _timer = this.#clock.schedule(nothing, waitMs);
    using _abort = onAbort(signal, () => this.#first.reject(signal?.reason));
    const options = { signal: this.#closing.signal, clock: this.#clock };
    this.#following = followAgent(this.#settings.endpoint, options, {
      ask: (agent, request) => agent.fetchX509SVID({}, request),
      take: (response) => this.#take(response),
      lost: (why, error) => this.#lost(why, error),
      background: () => this.store.ready,
    });
    await this.#first.promise;
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    await this.#following;
  }

  /** Returns whether the response is of use. */
  #take(response: X509SVIDResponse): boolean {
    const read = readSvids(response, this.#settings.choice);
    if (read.kind === "rejected") return this.#reject(read);
    const assembled = assemble(read.pem, this.#clock.now());
    if (assembled.kind === "rejected") return this.#reject(assembled);
    if (assembled.kind === "own-invalid" && !this.store.ready) {
      return this.#reject(assembled.rejected);
    }
    if (this.store.offer(assembled) === "rejected") return false;
    this.#first.resolve();
    for (const untrusted of read.untrusted) this.store.reject(untrusted);
    return true;
  }

  #lost(why: string, error: unknown): void {
    const rejected = this.#unavailable(why, error);
    if (isHopeless(error)) this.#first.reject(configurationError(rejected));
    this.#reject(rejected);
  }

  #reject(rejected: CredentialRejection): false {
    this.#lastRejection = rejected;
    this.store.reject(rejected);
    return false;
  }

  #unavailable(why: string, cause?: unknown): CredentialRejection {
    const at = formatAddress(this.#settings.endpoint);
    const message = `the SPIFFE Workload API at ${at}: ${escapePeerText(why)}`;
    return rejection("provider-failed", "provider", message, cause);
  }

  #nothingWithin(waitMs: number): Error {
    const rejected = this.#lastRejection ?? this.#unavailable(`no answer within ${waitMs} ms`);
    return configurationError({
      ...rejected,
      message:
        `${rejected.message}; waited for ${
          waitMs / 1_000
        } s: see whether the agent runs and has an ` +
        "identity for this process, and whether this is its socket",
    });
  }
}

/** Whether asking again is of no use while we wait for the start; later an agent may be replaced. */
function isHopeless(error: unknown): boolean {
  return wantsPermission(error) ||
    error instanceof ConnectError && HOPELESS.has(error.code);
}
