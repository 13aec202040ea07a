import { isLocal, parseAddress } from "../channel/mod.ts";
import type { CredentialsSource } from "../credentials/mod.ts";
import {
  type Announcement,
  type AnnouncementLease,
  type Discovery,
  discoveryFromUrl,
  signStatement,
  STATEMENT_LIFE_MS,
} from "../discovery/mod.ts";
import { escapePeerText, unusable } from "../errors/mod.ts";
import { type Clock, type Observer, whenPassed } from "../observe/mod.ts";
import { within } from "./within.ts";
import { messageOf } from "../values/mod.ts";

/** What is announced, and where. */
export interface PublicationOptions {
  readonly discovery: Discovery;
  readonly announcement: Omit<Announcement, "signed">;
  /** What announcements are signed with, where the worker has a certificate. */
  readonly credentials: CredentialsSource | undefined;
  readonly clock: Clock;
  readonly observer: Observer;
  /** Gives up the first announcement. Default: nothing does. */
  readonly signal?: AbortSignal;
}

/**
 * The discovery of a setting, which must be one where workers announce themselves.
 *
 * @throws {ConfigurationError} If it is not.
 */
export function publishedTo(setting: string | Discovery): Discovery {
  const discovery = typeof setting === "string" ? fromUrl(setting) : setting;
  if (discovery.announce !== undefined) return discovery;
  throw unusable(
    "publish",
    `publish: workers cannot announce themselves at ${discovery.source}; write local:NAMESPACE, lan:FLEET or etcd:…`,
  );
}

function fromUrl(url: string): Discovery {
  try {
    return discoveryFromUrl(url);
  } catch (error) {
    // The setting that a person can change is this one.
    throw unusable("publish", `publish: ${messageOf(error)}`, error);
  }
}

/** How long a backend may take to forget the announcement before the worker drains all the same, in milliseconds. */
const WITHDRAW_MS = 5_000;

/** After a backend could not take the announcement, the wait until it is offered again, in milliseconds. */
const RETRY_MS = 10_000;

/** Discoveries that other machines read. */
const OF_THE_NETWORK = /^(?:etcd|k8s|lan):/;

/** A worker's announcement, which is signed again before others stop believing it, and with every new certificate. */
export class Publication implements AsyncDisposable {
  readonly #options: PublicationOptions;
  readonly #rotations: Disposable | undefined;
  #lease: AnnouncementLease | undefined;
  #timer: Disposable | undefined;
  #sequence = 0;
  /** Whether the backend could not take the last announcement. */
  #failing = false;
  #updating: Promise<void> = Promise.resolve();
  #over = false;

  private constructor(options: PublicationOptions) {
    this.#options = options;
    this.#rotations = options.credentials?.subscribe(() => this.#renew());
  }

  /**
   * Announces a worker.
   *
   * @throws {Error} If the first announcement cannot be made; the reason of the signal.
   */
  static async start(options: PublicationOptions): Promise<Publication> {
    const { discovery, announcement: { address }, observer, signal } = options;
    if (OF_THE_NETWORK.test(discovery.source)) {
      const parsed = parseAddress(address, "advertise");
      if (parsed.kind === "tcp" && isLocal(parsed)) {
        observer.emit({ type: "security.loopback-announced", source: discovery.source, address });
      }
    }
    const publication = new Publication(options);
    try {
      publication.#lease = await discovery.announce!(publication.#announcement(), {
        signal: signal ?? new AbortController().signal,
        onFailure: (message) => publication.#failed(message),
      });
    } catch (error) {
      await publication[Symbol.asyncDispose]();
      signal?.throwIfAborted();
      throw error;
    }
    publication.#schedule();
    return publication;
  }

  /** Withdraws the announcement; where the backend does not answer, its lease ends by itself. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    this.#rotations?.[Symbol.dispose]();
    this.#timer?.[Symbol.dispose]();
    await within(this.#options.clock, WITHDRAW_MS, this.#withdraw());
  }

  async #withdraw(): Promise<void> {
    await this.#updating;
    try {
      await this.#lease?.[Symbol.asyncDispose]();
    } catch (error) {
      this.#failed((error as Error).message);
    }
  }

  #announcement(): Announcement {
    const { announcement, credentials, clock } = this.#options;
    const material = credentials?.current();
    const keyPem = material?.pem().key;
    if (material?.own === undefined || keyPem === undefined) return announcement;
    const at = clock.now();
    // The time also tells it from the statements of a worker of the same id that ran before.
    this.#sequence = Math.max(this.#sequence + 1, at);
    const { chain } = material.own;
    const signed = signStatement(
      { ...announcement, at, sequence: this.#sequence },
      { chain, keyPem },
    );
    return { ...announcement, signed };
  }

  #renew(): void {
    if (this.#over) return;
    this.#schedule();
    this.#updating = this.#updating.then(async () => {
      try {
        await this.#lease?.update(this.#announcement());
        this.#failing = false;
      } catch (error) {
        if (this.#over) return;
        if (!this.#failing) this.#failed((error as Error).message);
        this.#failing = true;
        // At half of its life again would be when nobody believes the one before any more.
        this.#schedule(RETRY_MS);
      }
    });
  }

  #schedule(delayMs = STATEMENT_LIFE_MS / 2): void {
    this.#timer?.[Symbol.dispose]();
    const { clock } = this.#options;
    this.#timer = whenPassed(clock, delayMs, () => this.#renew(), { background: true });
  }

  #failed(text: string): void {
    const { discovery: { source }, observer } = this.#options;
    observer.emit({ type: "discovery.failed", source, message: escapePeerText(text) });
  }
}
