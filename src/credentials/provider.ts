import { escapePeerText } from "../errors/mod.ts";
import { type Clock, systemClock, whenPassed } from "../observe/mod.ts";
import type { Assembled } from "./assemble.ts";
import type { CredentialPem } from "./material.ts";
import { assembleNext } from "./next_version.ts";
import { rejection } from "./rejection.ts";
import type { CredentialsSource, OpenCredentialsOptions } from "./source.ts";
import { CredentialsStore } from "./store.ts";
import { untilAborted } from "../values/mod.ts";

/** Gives the credentials as they are now; `signal` aborts when they are no longer needed. */
export type ProvideCredentials = (signal: AbortSignal) => CredentialPem | Promise<CredentialPem>;

/** Settings of `Credentials.provider`. */
export interface ProviderOptions {
  /** How long after each answer the function is called again, in milliseconds. */
  readonly refreshMs: number;
}

/** After a failure it is called again this soon, twice as late each time, at most after `refreshMs`. */
const FIRST_RETRY_MS = 1_000;

/** Opens credentials that a function provides. */
export async function openProvider(
  provide: ProvideCredentials,
  settings: ProviderOptions,
  options: OpenCredentialsOptions,
): Promise<CredentialsSource> {
  const refresh = new ProviderRefresh(provide, settings, options);
  await refresh.begin(options.signal);
  return refresh.store;
}

/** Calls the provider, one call at a time, and offers what it gives. */
class ProviderRefresh {
  readonly store: CredentialsStore;
  readonly #provide: ProvideCredentials;
  readonly #refreshMs: number;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  #failures = 0;
  #timer: Disposable | undefined;

  constructor(
    provide: ProvideCredentials,
    settings: ProviderOptions,
    options: OpenCredentialsOptions,
  ) {
    this.#provide = provide;
    this.#refreshMs = settings.refreshMs;
    this.#clock = options.clock ?? systemClock;
    this.store = new CredentialsStore(options, () => this.#close());
  }

  async begin(signal: AbortSignal | undefined): Promise<void> {
    try {
      this.store.offerFirst(await untilAborted(this.#ask(), signal));
      this.#await(this.#refreshMs);
    } catch (error) {
      await this.store[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #refresh(): Promise<void> {
    const answer = await this.#ask();
    if (this.#closing.signal.aborted) return;
    const failed = this.store.offer(answer) === "rejected";
    this.#failures = failed ? this.#failures + 1 : 0;
    const retryMs = FIRST_RETRY_MS * 2 ** Math.min(this.#failures - 1, 20);
    this.#await(failed ? Math.min(retryMs, this.#refreshMs) : this.#refreshMs);
  }

  async #ask(): Promise<Assembled> {
    try {
      const pem = await this.#provide(this.#closing.signal);
      const inUse = this.store.ready ? this.store.current() : undefined;
      return assembleNext(pem, this.#clock.now(), inUse);
    } catch (cause) {
      const why = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
      return rejection("provider-failed", "provider", escapePeerText(why), cause);
    }
  }

  #await(delayMs: number): void {
    this.#timer = whenPassed(this.#clock, delayMs, () => void this.#refresh(), {
      background: true,
    });
  }

  #close(): void {
    this.#timer?.[Symbol.dispose]();
    this.#closing.abort();
  }
}
