import type { DiscoveredWorker, Discovery, DiscoveryChange } from "../../discovery/mod.ts";
import { escapePeerText } from "../../errors/mod.ts";
import type { HeldCall } from "../../observe/mod.ts";
import { type Balancer, powerOfTwo } from "./balancer.ts";
import { Endpoint, type EndpointOptions } from "./endpoint.ts";
import { EndpointIndex } from "./endpoint_index.ts";
import { KnownWorkers, type WorkerChange } from "./known_workers.ts";
import type { Lease } from "./lease.ts";
import type { Dial } from "./link.ts";
import { rendezvousScore } from "./rendezvous.ts";
import { workerRef } from "./worker_ref.ts";
import { messageOf, present } from "../../values/mod.ts";

/** Where workers come from, and how those are dialled: each source has its own trust. */
export interface FleetSource {
  /** Finds the workers. */
  readonly discovery: Discovery;
  /** Connects to one of them. */
  readonly dial: Dial;
  /** How many of them are used at most, below `maxWorkers`, and which. Default: as many as that. */
  readonly lease?: Lease | undefined;
}

/** What a call asks of its worker. */
export interface Wanted {
  /** Calls of one affinity go to one worker while it is there. */
  readonly affinity?: string | undefined;
  /** The worker carries all of these. */
  readonly tags?: readonly string[] | undefined;
}

/** What a fleet is given. */
export interface FleetOptions extends Omit<EndpointOptions, "dial" | "onChange"> {
  readonly sources: readonly FleetSource[];
  /** How many workers of one source are used at most. */
  readonly maxWorkers: number;
  /** The dispatcher's id, which decides which workers those are. */
  readonly dispatcherId: string;
  /** How many workers take calls before the first call is made. Default: 1. */
  readonly quorum?: number | undefined;
  /** Default: {@linkcode powerOfTwo}. */
  readonly balancer?: Balancer | undefined;
}

/** What is not used of what a discovery has found. */
interface Rejected {
  readonly message: string;
  readonly address?: string | undefined;
}

/** How long after its connections the end of a supervised process is noticed at the latest, in milliseconds. */
const END_NOTICED_MS = 250;

/** More calls than this of one worker are not named. */
const MAX_CALLS_NAMED = 16;

/** More tags than this are not named in an error. */
const MAX_TAGS_NAMED = 16;

/** The workers of a dispatcher: found by its sources, connected on demand, chosen call by call. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #balancer: Balancer;
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #stop = new AbortController();
  readonly #watchers: Promise<void>[];
  /** Resolves once every source has reported what it knows at the start. */
  readonly #known: Promise<void>;
  #isKnown = false;
  #lacksQuorum: boolean;
  /** When the last ejection is over; 0 where there is none. */
  #ejectedUntil = 0;
  readonly #index = new EndpointIndex();
  /** Those who wait for the next change. */
  readonly #waiting = new Set<() => void>();
  /** Why a source does not work now, by its index. */
  readonly #ill = new Map<number, string>();

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#lacksQuorum = this.quorum > 1;
    this.#balancer = options.balancer ?? powerOfTwo(options.random);
    const first = options.sources.map(() => Promise.withResolvers<void>());
    this.#watchers = options.sources.map((source, index) =>
      this.#watch(source, index, first[index]!.resolve)
    );
    this.#known = Promise.all(first.map(({ promise }) => promise)).then(() => {
      this.#isKnown = true;
    });
  }

  /** Every worker that is known. */
  get endpoints(): readonly Endpoint[] {
    return [...this.#endpoints.values()];
  }

  /** Whether it has been closed, so that there will be no worker any more. */
  get closed(): boolean {
    return this.#stop.signal.aborted;
  }

  /** How many workers take calls before the first call is made. */
  get quorum(): number {
    return this.#options.quorum ?? 1;
  }

  /** Whether fewer workers than that have taken calls at once until now. */
  get lacksQuorum(): boolean {
    return this.#lacksQuorum;
  }

  /** A worker that takes calls now and has not been `tried`, where there is one. */
  choose(wanted: Wanted, tried?: ReadonlyMap<Endpoint, Error>): Endpoint | undefined {
    if (this.#index.idle.size > 0) this.#wake();
    const { open } = this.#index;
    if (open.length === 0) return undefined;
    if (wanted.affinity !== undefined) {
      const owner = this.#owner(wanted, wanted.affinity, tried);
      return owner?.link === undefined ? undefined : owner;
    }
    if (wanted.tags === undefined && (tried === undefined || tried.size === 0)) {
      return this.#balanced(open);
    }
    return this.#balanced(
      open.filter((endpoint) => suits(endpoint, wanted) && !tried?.has(endpoint)),
    );
  }

  #balanced(able: readonly Endpoint[]): Endpoint | undefined {
    if (able.length < 2) return able[0];
    const candidates = this.#ejectedUntil === 0 ? able : this.#withoutEjected(able);
    return candidates.length === 1 ? candidates[0] : this.#balancer(candidates);
  }

  /** Those that are not ejected; all where that would be less than half, for then it is not the workers. */
  #withoutEjected(able: readonly Endpoint[]): readonly Endpoint[] {
    const now = this.#options.clock.now();
    if (now >= this.#ejectedUntil) this.#ejectedUntil = 0;
    const left = able.filter(({ record }) => record.ejectedUntil <= now);
    return left.length * 2 >= able.length ? left : able;
  }

  /** A worker has answered a call. */
  answered(endpoint: Endpoint, tookMs: number): void {
    endpoint.record.answered(tookMs, this.#options.clock.now());
  }

  /** A worker had no room for a call: others are chosen for a moment. */
  hadNoRoom(endpoint: Endpoint): void {
    endpoint.record.hadNoRoom(this.#options.clock.now());
    this.#ejectedUntil = Math.max(this.#ejectedUntil, endpoint.record.ejectedUntil);
  }

  /** A worker has left a call unanswered: where it does so again and again, others are chosen for a while. */
  unanswered(endpoint: Endpoint): void {
    if (!endpoint.record.failed(this.#options.clock.now())) return;
    this.#ejectedUntil = Math.max(this.#ejectedUntil, endpoint.record.ejectedUntil);
  }

  /**
   * Connects to workers until one that has not been `tried` takes calls; those that could not be
   * connected are added to `tried`. Where none is known but a source expects another one, waits for it.
   *
   * @param signal ends the wait.
   * @returns the worker, or `undefined` where every one that is known has been tried.
   */
  async bring(
    wanted: Wanted,
    tried: Map<Endpoint, Error>,
    signal?: AbortSignal,
  ): Promise<Endpoint | undefined> {
    if (!this.#isKnown) await this.#known;
    for (let patient = true; signal?.aborted !== true;) {
      const chosen = this.choose(wanted, tried);
      if (chosen !== undefined) return chosen;
      const candidates = this.#candidates(wanted, tried);
      if (candidates.length === 0) {
        if (this.#expectsMore()) {
          await this.#change(signal);
          continue;
        }
        // The end of a process is noticed a little after its connections have ended.
        if (!patient || !this.#isSupervised(tried)) return undefined;
        patient = false;
        await this.#change(signal, END_NOTICED_MS);
        continue;
      }
      const failed = await firstOpened(candidates);
      if (failed === undefined) continue;
      for (const endpoint of failed) {
        if (endpoint.lastFailure !== undefined) tried.set(endpoint, endpoint.lastFailure);
      }
    }
    return undefined;
  }

  /** Resolves when `count` workers take calls; dials all of them. */
  async ready(count: number, signal?: AbortSignal): Promise<void> {
    await this.#known;
    while (this.#index.open.length < count) {
      this.#wake();
      await this.#change(signal);
      if (signal?.aborted) return;
    }
  }

  /** The longest-running calls that a worker is at, by its id, 16 at most. */
  callsAt(workerId: string): readonly HeldCall[] {
    const endpoint = this.endpoints.find(({ ref }) => ref.id === workerId);
    const held = endpoint?.held.first(MAX_CALLS_NAMED) ?? [];
    return held.map(({ routine, callId }) =>
      callId === undefined ? { routine } : { routine, callId }
    );
  }

  /** Why there is no worker for a call, in one sentence. */
  whyNone({ tags }: Wanted): string {
    if (this.closed) return "the dispatcher has been disposed of";
    const count = this.#endpoints.size;
    if (count > 0 && tags !== undefined && tags.length > 0) {
      const known = new Set([...this.#endpoints.values()].flatMap(({ tags = [] }) => tags));
      return `no worker carries the tags asked for (${quoted(tags)}); ` +
        `${count} known, with ${known.size === 0 ? "no tags" : `the tags ${quoted([...known])}`}`;
    }
    const sources = this.#options.sources.map(({ discovery }, index) => {
      const why = this.#ill.get(index);
      return why === undefined ? discovery.source : `${discovery.source} (${why})`;
    });
    return `discovery has found no worker for this call: ${sources.join(", ")}`;
  }

  #expectsMore(): boolean {
    return !this.closed &&
      this.#options.sources.some(({ discovery }) => discovery.expectsMore === true);
  }

  /** Whether workers that could not be connected belong to a source that replaces them. */
  #isSupervised(tried: ReadonlyMap<Endpoint, Error>): boolean {
    return !this.closed && [...tried.keys()].some(({ state }) => state === "failing") &&
      this.#options.sources.some(({ discovery }) => discovery.expectsMore !== undefined);
  }

  /** Waits for the next change, no longer than `timeoutMs`. */
  #change(signal?: AbortSignal, timeoutMs?: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    signal?.addEventListener("abort", resolve as () => void, { once: true });
    const timer = timeoutMs === undefined
      ? undefined
      : this.#options.clock.schedule(resolve, timeoutMs);
    return promise.then(() => {
      timer?.[Symbol.dispose]();
      this.#waiting.delete(resolve);
      signal?.removeEventListener("abort", resolve as () => void);
    });
  }

  /** The credentials of the sources are new. */
  renew(source: number): void {
    for (const [key, endpoint] of this.#endpoints) {
      if (key.startsWith(`${source} `)) endpoint.renew();
    }
  }

  /** Ends the watching and every connection. */
  async close(code: number): Promise<void> {
    this.#stop.abort();
    const removed = this.endpoints.map((endpoint) => endpoint.remove());
    for (const endpoint of this.endpoints) {
      endpoint.abort(code);
      this.#index.remove(endpoint);
    }
    this.#endpoints.clear();
    this.#changed();
    await Promise.all([...removed, ...this.#watchers]);
  }

  /** Dials every worker that no call has needed yet, so that it shares the work. */
  #wake(): void {
    for (const endpoint of [...this.#index.idle]) endpoint.connect();
  }

  #candidates(wanted: Wanted, tried: ReadonlyMap<Endpoint, Error>): readonly Endpoint[] {
    if (wanted.affinity !== undefined) {
      const owner = this.#owner(wanted, wanted.affinity, tried);
      if (owner !== undefined) return [owner];
    }
    // A worker that has not reported its tags may have those that are wanted.
    return this.endpoints.filter((endpoint) =>
      !tried.has(endpoint) && (endpoint.tags === undefined || suits(endpoint, wanted))
    );
  }

  /** Of those that have not failed, the one that wants the affinity's calls most. */
  #owner(
    wanted: Wanted,
    affinity: string,
    tried?: ReadonlyMap<Endpoint, Error>,
  ): Endpoint | undefined {
    let owner: Endpoint | undefined;
    let best = -1;
    for (const endpoint of this.#endpoints.values()) {
      if (endpoint.state === "failing" || tried?.has(endpoint) || !suits(endpoint, wanted)) {
        continue;
      }
      const score = rendezvousScore(affinity, endpoint.worker.id ?? endpoint.worker.address);
      if (score > best) [owner, best] = [endpoint, score];
    }
    return owner;
  }

  async #watch(source: FleetSource, index: number, known: () => void): Promise<void> {
    const { discovery } = source;
    const { maxWorkers, dispatcherId } = this.#options;
    const { workers: leased = maxWorkers, ordinal } = source.lease ?? {};
    const workers = new KnownWorkers(Math.min(leased, maxWorkers), dispatcherId, ordinal);
    try {
      for await (const batch of discovery.watch(this.#stop.signal)) {
        if (this.#stop.signal.aborted) return;
        this.#ill.delete(index);
        this.#take(batch, workers, source, index);
        this.#changed();
        known();
      }
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#tellFailure(discovery, index, messageOf(error));
    } finally {
      known();
    }
  }

  #take(
    batch: readonly DiscoveryChange[],
    workers: KnownWorkers,
    source: FleetSource,
    index: number,
  ): void {
    const unused = workers.unused;
    const found: WorkerChange[] = [];
    for (const change of batch) {
      if (change.kind === "failed") this.#tellFailure(source.discovery, index, change.message);
      else if (change.kind === "rejected") this.#reject(source.discovery, change);
      else found.push(change);
    }
    for (const change of workers.apply(found)) this.#apply(change, source, index);
    if (workers.unused === 0 || workers.unused === unused) return;
    // Those beyond the lease are for other dispatchers.
    if ((source.lease?.workers ?? Infinity) <= this.#options.maxWorkers) return;
    this.#reject(source.discovery, {
      message: `${workers.unused} of the ${workers.found} workers found are not used: ` +
        `limits.maxWorkers is ${this.#options.maxWorkers}`,
    });
  }

  #reject({ source }: Discovery, { message, address }: Rejected): void {
    this.#options.observer.emit({
      type: "discovery.rejected",
      source,
      message: escapePeerText(message),
      ...present({ address }),
    });
  }

  #apply(change: WorkerChange, source: FleetSource, index: number): void {
    const { observer } = this.#options;
    const found = source.discovery.source;
    const address = change.kind === "removed" ? change.address : change.worker.address;
    const key = `${index} ${address}`;
    const known = this.#endpoints.get(key);
    if (change.kind === "removed") {
      if (known === undefined) return;
      this.#endpoints.delete(key);
      known.remove();
      this.#index.remove(known);
      observer.emit({ type: "discovery.removed", source: found, worker: known.ref });
    } else if (known === undefined) {
      const endpoint = this.#endpoint(change.worker, source);
      this.#endpoints.set(key, endpoint);
      this.#index.update(endpoint);
      observer.emit({ type: "discovery.added", source: found, worker: workerRef(change.worker) });
    } else {
      known.update(change.worker);
      observer.emit({ type: "discovery.updated", source: found, worker: workerRef(change.worker) });
    }
  }

  #tellFailure({ source }: Discovery, index: number, text: string): void {
    const { observer } = this.#options;
    const message = escapePeerText(text);
    this.#ill.set(index, message);
    observer.emit({ type: "discovery.failed", source, message });
  }

  #endpoint(worker: DiscoveredWorker, { dial }: FleetSource): Endpoint {
    return new Endpoint(worker, {
      ...this.#options,
      dial,
      onChange: (changed) => this.#moved(changed),
    });
  }

  #moved(endpoint: Endpoint): void {
    // One that is removed still closes its connections.
    if (endpoint.state === "draining" && !endpoint.isIdle) this.#index.remove(endpoint);
    else this.#index.update(endpoint);
    if (this.#lacksQuorum) this.#lacksQuorum = this.#index.open.length < this.quorum;
    this.#changed();
  }

  #changed(): void {
    for (const resolve of this.#waiting) resolve();
  }
}

function quoted(tags: readonly string[]): string {
  return tags.slice(0, MAX_TAGS_NAMED).map((tag) => JSON.stringify(tag)).join(", ");
}

function suits(endpoint: Endpoint, { tags }: Wanted): boolean {
  return tags === undefined || tags.every((tag) => endpoint.tags?.includes(tag) === true);
}

/** Connects to all at once. @returns those that failed once all have; `undefined` once one is open. */
function firstOpened(candidates: readonly Endpoint[]): Promise<readonly Endpoint[] | undefined> {
  const { promise, resolve } = Promise.withResolvers<readonly Endpoint[] | undefined>();
  let left = candidates.length;
  for (const endpoint of candidates) {
    endpoint.connect().then((opened) => {
      if (opened) resolve(undefined);
      else if (--left === 0) resolve(candidates);
    });
  }
  return promise;
}
