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
import type { X509SVIDResponse } from "../gen/mod.ts";
import { backoffMs, type Clock, pause, systemClock } from "../observe/mod.ts";
import { wantsPermission } from "../platform/mod.ts";
import type { SvidChoice } from "./svid_choice.ts";
import { readSvids } from "./svid_response.ts";
import { AGENT_BACKOFF, agentStream, askForSvids } from "./agent_stream.ts";
import { messageOf, onAbort } from "../values/mod.ts";

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
  /** Streams in a row that gave nothing to use. */
  #failures = 0;
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
    using _timer = this.#clock.schedule(
      () => this.#first.reject(this.#nothingWithin(waitMs)),
      waitMs,
    );
    using _abort = onAbort(signal, () => this.#first.reject(signal?.reason));
    this.#following = this.#follow();
    await this.#first.promise;
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    await this.#following;
  }

  async #follow(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      const ended = await this.#followOne();
      if (this.#closing.signal.aborted) return;
      this.#reject(ended);
      await this.#pause();
    }
  }

  /** One stream, from the dial to whatever ends it. */
  async #followOne(): Promise<CredentialRejection> {
    try {
      const options = { signal: this.#closing.signal, clock: this.#clock };
      for await (const response of agentStream(this.#settings.endpoint, options, askForSvids)) {
        this.#take(response);
      }
      return this.#unavailable("it ended the stream");
    } catch (error) {
      const rejected = this.#unavailable(
        messageOf(error),
        error,
      );
      if (isHopeless(error)) this.#first.reject(configurationError(rejected));
      return rejected;
    }
  }

  #take(response: X509SVIDResponse): void {
    const read = readSvids(response, this.#settings.choice);
    if (read.kind === "rejected") return this.#reject(read);
    const assembled = assemble(read.pem, this.#clock.now());
    if (assembled.kind !== "usable") {
      return this.#reject(assembled.kind === "rejected" ? assembled : assembled.rejected);
    }
    if (this.store.offer(assembled) === "rejected") return;
    this.#failures = 0;
    this.#first.resolve();
    for (const untrusted of read.untrusted) this.store.reject(untrusted);
  }

  #reject(rejected: CredentialRejection): void {
    this.#lastRejection = rejected;
    this.store.reject(rejected);
  }

  #pause(): Promise<void> {
    const delayMs = backoffMs(this.#failures++, AGENT_BACKOFF);
    return pause(this.#clock, delayMs, this.#closing.signal, { background: this.store.ready });
  }

  #unavailable(why: string, cause?: unknown): CredentialRejection {
    return rejection(
      "provider-failed",
      "provider",
      `the SPIFFE Workload API at ${formatAddress(this.#settings.endpoint)}: ${
        escapePeerText(why)
      }`,
      cause,
    );
  }

  #nothingWithin(waitMs: number): Error {
    return configurationError(
      this.#lastRejection ?? this.#unavailable(`no answer within ${waitMs} ms`),
    );
  }
}

/** Whether asking again is of no use while we wait for the start; later an agent may be replaced. */
function isHopeless(error: unknown): boolean {
  return wantsPermission(error) ||
    error instanceof ConnectError && HOPELESS.has(error.code);
}
