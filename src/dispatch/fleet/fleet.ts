import type { DiscoveredWorker } from "../../discovery/mod.ts";
import type { HeldCall } from "../../observe/mod.ts";
import { AffinityOwners } from "../selection/affinity.ts";
import type { Balancer } from "../selection/balancer.ts";
import { Changes } from "./changes.ts";
import { Connecting } from "./connecting.ts";
import { Endpoint, type EndpointOptions } from "../endpoint/endpoint.ts";
import { EndpointIndex } from "../selection/endpoint_index.ts";
import { FailingEndpoints } from "./failing_endpoints.ts";
import type { WorkerChange } from "./known_workers.ts";
import { Selection, type Tried } from "../selection/selection.ts";
import type { Serving } from "../selection/served_names.ts";
import { suits, type Wanted } from "../selection/suitable_endpoints.ts";
import { workerRef } from "../endpoint/link.ts";
import { type FleetSource, WatchedSource, type WatchedSourceOptions } from "./watched_source.ts";
import { type AbortEvents, present } from "../../values/mod.ts";

/** What a fleet is given. */
export interface FleetOptions
  extends
    Omit<EndpointOptions, "dial" | "onChange">,
    Omit<WatchedSourceOptions, "onChange" | "onBatch"> {
  readonly sources: readonly FleetSource[];
  /** How many workers take calls before the first call is made. Default: 1. */
  readonly quorum?: number | undefined;
  /** Default: {@linkcode powerOfTwo}. */
  readonly balancer?: Balancer | undefined;
}

/** How long after its connections the end of a supervised process is noticed at the latest, in milliseconds. */
const END_NOTICED_MS = 250;

/** How long discoveries may take to let go of what they hold, in milliseconds: one that never does stops no program. */
const LET_GO_MS = 5_000;

/** Why what was watched is given up; its stack would take a tenth of the time of closing. */
const CLOSED = new DOMException("the dispatcher is closed", "AbortError");

/** More calls than this of one worker are not named. */
const MAX_CALLS_NAMED = 16;

/** More tags than this are not named in an error. */
const MAX_TAGS_NAMED = 16;

/** The workers of a dispatcher: found by its sources, connected on demand, chosen call by call. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #endpoints = new Map<string, Endpoint>();
  /** Those that are not used any more, until their last connection is closed, with the keys that they had. */
  readonly #leaving = new Map<Endpoint, string>();
  /** Those whose announcements have lapsed, by their keys, in that order. */
  readonly #lapsed = new Set<string>();
  readonly #index = new EndpointIndex();
  readonly #selection: Selection;
  readonly #affinity = new AffinityOwners();
  readonly #connecting: Connecting;
  readonly #failing: FailingEndpoints;
  readonly #changes: Changes;
  readonly #stop = new AbortController();
  readonly #sources: readonly WatchedSource[];
  readonly #watching: readonly Promise<void>[];
  /** Resolves once every source has reported what it knows at the start. */
  readonly #known: Promise<void>;
  #isKnown = false;
  /** When the last answer came, by `performance.now()`, and by the steady clock. */
  #answeredAt = -1;
  #steadyAtAnswer = 0;
  #lacksQuorum: boolean;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#lacksQuorum = this.quorum > 1;
    this.#selection = new Selection(this.#index, options);
    this.#connecting = new Connecting(options.random);
    this.#failing = new FailingEndpoints(options.random);
    this.#changes = new Changes(options.clock);
    this.#sources = options.sources.map((source, index) =>
      new WatchedSource(source, {
        ...options,
        onChange: (change) => this.#apply(change, source, index),
        onBatch: () => this.#changes.notify(),
      })
    );
    this.#watching = this.#sources.map((source) => source.watch(this.#stop.signal));
    this.#known = Promise.all(this.#sources.map(({ known }) => known)).then(() => {
      this.#isKnown = true;
    });
  }

  /** Every worker that is known. */
  get endpoints(): readonly Endpoint[] {
    return [...this.#endpoints.values()];
  }

  /** The workers of one source, by its place among the sources. */
  endpointsOf(source: number): readonly Endpoint[] {
    return [...this.#endpoints].filter(([key]) => key.startsWith(`${source} `))
      .map(([, endpoint]) => endpoint);
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

  /**
   * A worker that takes calls now and has not been `tried`, where there is one.
   *
   * @param name The routine or service method, for workers that serve it. Default: one that all serve.
   */
  choose(wanted: Wanted, tried?: Tried, name?: string): Endpoint | undefined {
    if (this.#index.idle.size > 0) this.#wake();
    if (this.#index.open.length === 0) return undefined;
    if (wanted.affinity === undefined) return this.#selection.choose(wanted, tried, name);
    const owner = this.#owner(wanted.affinity, wanted, tried, name);
    return owner?.link === undefined ? undefined : owner;
  }

  /**
   * A worker has answered a call.
   *
   * @param at when, by `performance.now()`: what arrived together shares a reading of the clock.
   */
  answered(endpoint: Endpoint, tookMs: number, at: number): void {
    if (at !== this.#answeredAt) {
      this.#answeredAt = at;
      this.#steadyAtAnswer = this.#options.clock.steady();
    }
    endpoint.record.answered(tookMs, this.#steadyAtAnswer);
  }

  /** A worker had no room for a call: others are chosen for a moment. */
  hadNoRoom(endpoint: Endpoint): void {
    const before = endpoint.record.ejectedUntil;
    endpoint.record.hadNoRoom(this.#options.clock.steady());
    this.#selection.eject(endpoint, before);
  }

  /** A worker has left a call unanswered: where it does so again and again, others are chosen for a while. */
  unanswered(endpoint: Endpoint): void {
    const before = endpoint.record.ejectedUntil;
    const { clock, random } = this.#options;
    if (!endpoint.record.failed(clock.steady(), random())) return;
    this.#selection.eject(endpoint, before);
  }

  /**
   * Connects to workers until one that has not been `tried` takes calls; those that could not be
   * connected are added to `tried`. Where none is known but a source expects another one, waits for it.
   *
   * @param signal ends the wait.
   * @param name The routine or service method, for workers that serve it. Default: one that all serve.
   * @returns the worker, or `undefined` where every one that is known has been tried.
   */
  async bring(
    wanted: Wanted,
    tried: Map<Endpoint, Error>,
    signal?: AbortEvents,
    name?: string,
  ): Promise<Endpoint | undefined> {
    if (!this.#isKnown) await this.#known;
    for (let patient = true; signal?.aborted !== true;) {
      const chosen = this.choose(wanted, tried, name);
      if (chosen !== undefined) return chosen;
      const candidates = this.#candidates(wanted, tried, name);
      if (candidates.length === 0) {
        if (this.#expectsMore()) {
          await this.#changes.next(signal);
          continue;
        }
        // The end of a process is noticed a little after its connections have ended.
        if (!patient || !this.#isSupervised(tried)) return undefined;
        patient = false;
        await this.#changes.next(signal, END_NOTICED_MS);
        continue;
      }
      const failed = await this.#connecting.join(wanted.tags, candidates);
      if (failed === undefined) continue;
      for (const endpoint of failed) {
        if (endpoint.lastFailure !== undefined) tried.set(endpoint, endpoint.lastFailure);
      }
    }
    return undefined;
  }

  /** Resolves when `count` workers take calls; dials all of them. */
  async ready(count: number, signal?: AbortEvents): Promise<void> {
    await this.#known;
    while (this.#index.open.length < count) {
      this.#wake();
      await this.#changes.next(signal);
      if (signal?.aborted) return;
    }
  }

  /** The longest-running calls that a worker is at, by its id, 16 at most. */
  callsAt(workerId: string): readonly HeldCall[] {
    const endpoint = this.endpoints.find(({ ref }) => ref.id === workerId);
    const held = endpoint?.held.first(MAX_CALLS_NAMED) ?? [];
    return held.map(({ routine, callId }) => ({ routine, ...present({ callId }) }));
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
    const sources = this.#sources.map(({ described }) => described);
    return `discovery has found no worker for this call: ${sources.join(", ")}`;
  }

  /** What a call that finds no worker waits for, in a few words. */
  get whatIsAwaited(): string {
    if (this.#isKnown) return "none that is known could be connected by then";
    const sources = this.#sources.map(({ described }) => described);
    return `discovery had reported nothing by then: ${sources.join(", ")}`;
  }

  #expectsMore(): boolean {
    return !this.closed && this.#sources.some(({ expectsMore }) => expectsMore === true);
  }

  /** Whether workers that could not be connected belong to a source that replaces them. */
  #isSupervised(tried: Tried): boolean {
    return !this.closed && [...tried.keys()].some(({ state }) => state === "failing") &&
      this.#sources.some(({ expectsMore }) => expectsMore !== undefined);
  }

  /** The credentials of the sources are new. */
  renew(source: number): void {
    for (const [key, endpoint] of this.#endpoints) {
      if (key.startsWith(`${source} `)) endpoint.renew();
    }
    for (const [endpoint, key] of this.#leaving) {
      if (key.startsWith(`${source} `)) endpoint.renew();
    }
  }

  /** Ends the watching and every connection. */
  async close(code: number): Promise<void> {
    this.#stop.abort(CLOSED);
    for (const source of this.#sources) source[Symbol.dispose]();
    const endpoints = [...this.#endpoints.values(), ...this.#leaving.keys()];
    const removed = endpoints.map((endpoint) => endpoint.stop());
    for (const endpoint of endpoints) {
      endpoint.abort(code);
      this.#forget(endpoint);
    }
    this.#endpoints.clear();
    this.#lapsed.clear();
    this.#changes.notify();
    const { promise: late, resolve } = Promise.withResolvers<void>();
    using _late = this.#options.clock.schedule(resolve, LET_GO_MS);
    await Promise.all([...removed, Promise.race([Promise.all(this.#watching), late])]);
  }

  /** Dials every worker that no call has needed yet, so that it shares the work. */
  #wake(): void {
    for (const endpoint of [...this.#index.idle]) endpoint.connect();
  }

  /** The worker of an affinity: of the caller's version where there is one that was not tried. */
  #owner(
    affinity: string,
    wanted: Wanted,
    tried: Tried | undefined,
    name: string | undefined,
  ): Endpoint | undefined {
    const preferred = this.#index.served.servingVersion(name, wanted.version);
    const owner = preferred && this.#affinity.owner(affinity, wanted, tried, preferred);
    return owner ??
      this.#affinity.owner(affinity, wanted, tried, this.#serving(wanted, name));
  }

  /** Which endpoints serve a routine or method; `undefined` where any of those that suit may be asked. */
  #serving(wanted: Wanted, name: string | undefined): Serving | undefined {
    const serving = this.#index.served.serving(name);
    if (serving === undefined || wanted.tags === undefined) return serving;
    const isThere = this.#index.open.some((one) => serving.has(one) && suits(one, wanted));
    return isThere ? serving : undefined;
  }

  #candidates(wanted: Wanted, tried: Tried, name: string | undefined): readonly Endpoint[] {
    const serving = this.#serving(wanted, name);
    if (wanted.affinity !== undefined) {
      const owner = this.#owner(wanted.affinity, wanted, tried, name);
      if (owner !== undefined) return [owner];
    }
    // A worker that has not reported its tags may have those that are wanted.
    return this.endpoints.filter((endpoint) =>
      !tried.has(endpoint) && (endpoint.tags === undefined || suits(endpoint, wanted)) &&
      serving?.has(endpoint) !== false
    );
  }

  #apply(change: WorkerChange, source: FleetSource, index: number): void {
    const { observer } = this.#options;
    const found = source.discovery.source;
    const address = change.kind === "removed" ? change.address : change.worker.address;
    const key = `${index} ${address}`;
    const known = this.#endpoints.get(key);
    if (change.kind === "removed") {
      if (known === undefined) return;
      if (change.lapsed === true && known.lapse()) {
        this.#lapsed.add(key);
        return;
      }
      this.#drop(key, known, found);
    } else if (known === undefined) {
      const endpoint = this.#endpoint(key, change.worker, source, index);
      this.#endpoints.set(key, endpoint);
      this.#note(endpoint);
      observer.emit({ type: "discovery.added", source: found, worker: workerRef(change.worker) });
      this.#keepWithinLimit(index, found);
    } else {
      this.#lapsed.delete(key);
      known.update(change.worker);
      this.#affinity.update(known);
      observer.emit({ type: "discovery.updated", source: found, worker: workerRef(change.worker) });
    }
  }

  /** The workers of a source that have lapsed count with those it uses: beyond the limit the first to lapse go. */
  #keepWithinLimit(index: number, source: string): void {
    if (this.#lapsed.size === 0) return;
    const lapsed = [...this.#lapsed].filter((key) => key.startsWith(`${index} `));
    const excess = lapsed.length + this.#sources[index]!.used - this.#options.maxWorkers;
    for (const key of lapsed.slice(0, Math.max(excess, 0))) {
      this.#drop(key, this.#endpoints.get(key)!, source);
    }
  }

  #drop(key: string, endpoint: Endpoint, source: string): void {
    this.#endpoints.delete(key);
    this.#lapsed.delete(key);
    this.#leaving.set(endpoint, key);
    void endpoint.remove().then(() => this.#leaving.delete(endpoint));
    this.#forget(endpoint);
    const { observer } = this.#options;
    observer.emit({ type: "discovery.removed", source, worker: endpoint.ref });
  }

  #endpoint(
    key: string,
    worker: DiscoveredWorker,
    { dial, discovery }: FleetSource,
    index: number,
  ): Endpoint {
    const source = this.#sources[index]!;
    return new Endpoint(worker, {
      ...this.#options,
      dial,
      onChange: (changed) => {
        source.note(changed);
        const isOver = changed.lapsed && changed.link === undefined;
        if (isOver && this.#endpoints.has(key)) this.#drop(key, changed, discovery.source);
        else this.#moved(changed);
      },
    });
  }

  #moved(endpoint: Endpoint): void {
    // One that is removed still closes its connections.
    if (endpoint.state === "draining" && !endpoint.isIdle) this.#forget(endpoint);
    else this.#note(endpoint);
    if (this.#lacksQuorum) this.#lacksQuorum = this.#index.open.length < this.quorum;
    this.#changes.notify();
  }

  #note(endpoint: Endpoint): void {
    this.#index.update(endpoint);
    this.#affinity.update(endpoint);
    this.#failing.update(endpoint);
  }

  #forget(endpoint: Endpoint): void {
    this.#index.remove(endpoint);
    this.#affinity.remove(endpoint);
    this.#failing.remove(endpoint);
  }
}

function quoted(tags: readonly string[]): string {
  return tags.slice(0, MAX_TAGS_NAMED).map((tag) => JSON.stringify(tag)).join(", ");
}
