import { escapePeerText } from "../../errors/mod.ts";
import { type Clock, pause } from "../../observe/mod.ts";
import type { DiscoveredWorker, DiscoveryChange } from "../discovery.ts";
import { KnownWorkers } from "../known_workers.ts";
import { Retries } from "../retries.ts";
import type { ApiClient } from "./api_client.ts";
import { type EndpointSlice, type ServicePort, workersOf } from "./endpoint_slices.ts";
import { HeldSlices, TooManySlices } from "./held_slices.ts";
import { jsonLines } from "./json_lines.ts";

/** What is followed. */
export interface SliceWatchOptions {
  readonly client: ApiClient;
  readonly namespace: string;
  readonly service: string;
  readonly port: ServicePort;
  readonly clock: Clock;
}

/** Slices of one page. */
const PAGE = 500;

/** Pages of one list; an API server may fill them less than it is allowed. */
const MAX_PAGES = 64;

/** How long reading all slices may take, in milliseconds. */
const LIST_MS = 30_000;

/** How long one watch lasts, in seconds; the server ends it, with a bookmark shortly before. */
const WATCH_SECONDS = 240;

/**
 * The next watch begins at once where the last one took so long, in milliseconds. After a shorter one there is a wait,
 * the shortest where it delivered changes, so that a server that ends each at once is not asked without a pause.
 */
const SHORTEST_WATCH_MS = 5_000;

/** So much later than the server should have ended a watch, it is left, in milliseconds. */
const OVERDUE_MS = 30_000;

/** An error answer: 401, 403, a server that is starting. */
class ApiError extends Error {}

/** What was asked for is too old, or of a store that is not there any more: all is read anew. */
class Expired extends ApiError {}

/**
 * Follows the EndpointSlices of a service: lists, then watches from there, as API servers want it. An API server
 * that is lost leaves what is known in use.
 */
export class SliceWatch {
  readonly #options: SliceWatchOptions;
  #slices = new HeldSlices();
  readonly #known = new KnownWorkers();
  readonly #retries: Retries;
  /** Where the next watch begins; `undefined` where all is to be read. */
  #version: string | undefined;
  #unusable = "";

  constructor(options: SliceWatchOptions) {
    this.#options = options;
    this.#retries = new Retries(options.clock);
  }

  /** Reports every change, until `signal` aborts. */
  async *changes(signal: AbortSignal): AsyncGenerator<readonly DiscoveryChange[], void, undefined> {
    const { client, clock } = this.#options;
    let first = true;
    while (!signal.aborted) {
      try {
        if (this.#version === undefined) {
          await this.#list(signal);
          const changes = this.#compared();
          if (first || changes.length > 0 || this.#retries.failing) yield changes;
          first = false;
        }
        if (yield* this.#watch(this.#version!, signal)) continue;
      } catch (error) {
        if (signal.aborted) return;
        // What a list answers so is a failure: there is nothing older to give up.
        if (error instanceof Expired && this.#version !== undefined) this.#version = undefined;
        else {
          const message = escapePeerText((error as Error).message);
          if (this.#retries.failed()) yield [{ kind: "failed", message }];
          first = false;
          // What was followed has a gap from here on.
          if (error instanceof TooManySlices) this.#version = undefined;
          if (!(error instanceof ApiError || error instanceof TooManySlices)) client.leave();
        }
      }
      await pause(clock, this.#retries.waitMs(), signal);
    }
  }

  /** Reports the changes of one watch. @returns whether the next one may begin at once. */
  async *#watch(
    version: string,
    signal: AbortSignal,
  ): AsyncGenerator<readonly DiscoveryChange[], boolean, undefined> {
    const { clock } = this.#options;
    const begun = clock.steady();
    let changed = false;
    for await (const changes of this.#follow(version, signal)) {
      this.#retries.succeeded();
      if (changes.length === 0) continue;
      changed = true;
      yield changes;
    }
    this.#retries.succeeded();
    const lasted = clock.steady() - begun >= SHORTEST_WATCH_MS;
    if (changed || lasted) this.#retries.progressed();
    return lasted;
  }

  /** Reads all slices, page by page. */
  async #list(signal: AbortSignal): Promise<void> {
    const late = new AbortController();
    using _timer = this.#options.clock.schedule(
      () => late.abort(new Error("the API server has not answered a list in time")),
      LIST_MS,
      { background: true },
    );
    const inTime = AbortSignal.any([signal, late.signal]);
    const slices = new HeldSlices();
    let token = "";
    let version: string | undefined;
    let pages = 0;
    do {
      pages += 1;
      if (pages > MAX_PAGES) {
        throw new ApiError(`the API server lists more than ${MAX_PAGES} pages`);
      }
      const query = token === "" ? "" : `&continue=${encodeURIComponent(token)}`;
      const { status, value } = await this.#options.client
        .json(`${this.#path}&limit=${PAGE}${query}`, inTime);
      if (status !== 200) throw failureOf(status, value);
      const { items, metadata } = value as SliceList;
      for (const slice of items ?? []) slices.set(slice.metadata?.name ?? "", slice);
      version = metadata?.resourceVersion;
      token = metadata?.continue ?? "";
    } while (token !== "");
    if (version === undefined) throw new ApiError("the API server has listed no version");
    // Not before the last page: a watch from there on would never report the slices that were not listed.
    this.#version = version;
    this.#slices = slices;
  }

  /**
   * Follows the changes from a version on, until the server ends the watch. One that ends without any event, not even a
   * bookmark, may be of a version that the store does not have yet, after it was restored: all is read anew.
   */
  async *#follow(
    version: string,
    signal: AbortSignal,
  ): AsyncGenerator<readonly DiscoveryChange[], void, undefined> {
    const overdue = new AbortController();
    using _timer = this.#options.clock.schedule(
      () => overdue.abort(new Error("the API server has not ended its watch in time")),
      WATCH_SECONDS * 1_000 + OVERDUE_MS,
      { background: true },
    );
    const { status, body } = await this.#options.client.get(
      `${this.#path}&watch=1&allowWatchBookmarks=true&timeoutSeconds=${WATCH_SECONDS}` +
        `&resourceVersion=${encodeURIComponent(version)}`,
      AbortSignal.any([signal, overdue.signal]),
    );
    if (status !== 200) {
      let text: unknown;
      for await (const value of jsonLines(body)) text = value;
      throw failureOf(status, text);
    }
    let received = false;
    for await (const event of jsonLines(body)) {
      received = true;
      yield this.#apply(event as WatchEvent);
    }
    if (!received) throw new Expired("a watch ended without any event");
  }

  #apply({ type, object }: WatchEvent): readonly DiscoveryChange[] {
    if (type === "ERROR") throw failureOf(Number(object?.code ?? 0), object);
    const { name, resourceVersion } = object?.metadata ?? {};
    if (resourceVersion !== undefined) this.#version = resourceVersion;
    if (type === "BOOKMARK" || name === undefined) return [];
    if (type === "DELETED") this.#slices.delete(name);
    else this.#slices.set(name, object!);
    return this.#compared();
  }

  /** What has changed since it was asked last. */
  #compared(): readonly DiscoveryChange[] {
    const { workers, unusable } = workersOf(this.#slices.values(), this.#options.port);
    const changes = this.#known.replace(workers as ReadonlyMap<string, DiscoveredWorker>);
    const message = escapePeerText(unusable.join("; "));
    if (message === this.#unusable) return changes;
    this.#unusable = message;
    return message === "" ? changes : [...changes, { kind: "rejected", message }];
  }

  get #path(): string {
    const { namespace, service } = this.#options;
    const selector = encodeURIComponent(`kubernetes.io/service-name=${service}`);
    return `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices?labelSelector=${selector}`;
  }
}

interface SliceList {
  readonly items?: readonly EndpointSlice[] | null;
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
}

interface WatchEvent {
  readonly type?: string;
  readonly object?: EndpointSlice & { readonly code?: number; readonly message?: string };
}

/** A bad version is answered with 500, one that is too old with 410, in the stream or as the status. */
function failureOf(status: number, value: unknown): Error {
  const said = typeof value === "object" && value !== null && "message" in value
    ? String(value.message)
    : String(value ?? "");
  const message = `the API server answers ${status}: ${said}`;
  return status === 410 || status === 504 ? new Expired(message) : new ApiError(message);
}
