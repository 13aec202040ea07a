import { parseAddress } from "../../channel/mod.ts";
import type { DiscoveredWorker, Discovery, DiscoveryChange } from "../../discovery/mod.ts";
import { escapePeerText } from "../../errors/mod.ts";
import type { Clock, Observer } from "../../observe/mod.ts";
import type { Endpoint } from "../endpoint/endpoint.ts";
import { KnownWorkers, type WorkerChange } from "./known_workers.ts";
import type { Lease } from "./lease.ts";
import type { Dial } from "../endpoint/link.ts";
import { UnreachableWorkers } from "./unreachable_workers.ts";
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

/** What watching a source takes. */
export interface WatchedSourceOptions {
  /** How many of its workers are used at most. */
  readonly maxWorkers: number;
  /** The dispatcher's id, which decides which workers those are. */
  readonly dispatcherId: string;
  readonly clock: Clock;
  readonly observer: Observer;
  /** Takes in a change of the workers that are used. */
  readonly onChange: (change: WorkerChange) => void;
  /** Called after each batch of changes. */
  readonly onBatch: () => void;
}

/** A part of what a discovery has found, which is not used. */
interface Rejected {
  readonly message: string;
  readonly address?: string | undefined;
}

/** Follows the discovery of one source, reports its failures, and passes on the changes of the workers used. */
export class WatchedSource implements Disposable {
  readonly #source: FleetSource;
  readonly #options: WatchedSourceOptions;
  readonly #workers: KnownWorkers;
  /** Where a lease leaves others to use in their stead. */
  readonly #unreachable: UnreachableWorkers | undefined;
  readonly #known = Promise.withResolvers<void>();
  #failure: string | undefined;

  constructor(source: FleetSource, options: WatchedSourceOptions) {
    this.#source = source;
    this.#options = options;
    const { maxWorkers, dispatcherId } = options;
    const { workers = maxWorkers, ordinal } = source.lease ?? {};
    const max = Math.min(workers, maxWorkers);
    const most = Math.min(2 * max, maxWorkers);
    if (most > max) {
      this.#unreachable = new UnreachableWorkers(options.clock, () => this.#replace());
    }
    this.#workers = new KnownWorkers(
      max,
      dispatcherId,
      ordinal,
      this.#unreachable && { most, has: (address) => this.#unreachable!.has(address) },
    );
  }

  /** Resolves once the source has reported what it knows at the start, or has failed. */
  get known(): Promise<void> {
    return this.#known.promise;
  }

  /** How many of its workers are used. */
  get used(): number {
    return this.#workers.found - this.#workers.unused;
  }

  /** Whether its workers are replaced when they end; `undefined` where it never says. */
  get expectsMore(): boolean | undefined {
    return this.#source.discovery.expectsMore;
  }

  /** The source and, where it does not work now, why. */
  get described(): string {
    const { source } = this.#source.discovery;
    return this.#failure === undefined ? source : `${source} (${this.#failure})`;
  }

  /** Watches until `signal` aborts. */
  async watch(signal: AbortSignal): Promise<void> {
    try {
      for await (const batch of this.#source.discovery.watch(signal)) {
        if (signal.aborted) return;
        this.#failure = undefined;
        this.#take(batch);
        this.#options.onBatch();
        this.#known.resolve();
      }
    } catch (error) {
      if (signal.aborted) return;
      this.#fail(messageOf(error));
    } finally {
      this.#known.resolve();
    }
  }

  /** An endpoint of the source has changed its state. */
  note({ state, address }: Endpoint): void {
    if (state === "failing") this.#unreachable?.failed(address);
    else if (state !== "connecting") this.#unreachable?.forget(address);
  }

  /** Uses no other workers any more. */
  [Symbol.dispose](): void {
    this.#unreachable?.[Symbol.dispose]();
  }

  /** Uses others for workers that are unreachable, and no longer for those that are back. */
  #replace(): void {
    for (const change of this.#workers.apply([])) this.#options.onChange(change);
    this.#options.onBatch();
  }

  #take(batch: readonly DiscoveryChange[]): void {
    const workers = this.#workers;
    const unused = workers.unused;
    const found: WorkerChange[] = [];
    for (const change of batch) {
      if (change.kind === "failed") this.#fail(change.message);
      else if (change.kind === "rejected") this.#reject(change);
      else if (change.kind === "removed" || this.#hasAddress(change.worker)) found.push(change);
    }
    for (const change of workers.apply(found)) this.#options.onChange(change);
    if (workers.unused === 0 || workers.unused === unused) return;
    // Those beyond the lease are for other dispatchers.
    if ((this.#source.lease?.workers ?? Infinity) <= this.#options.maxWorkers) return;
    this.#reject({
      message: `${workers.unused} of the ${workers.found} workers found are not used: ` +
        `limits.maxWorkers is ${this.#options.maxWorkers}`,
    });
  }

  /** Whether a worker has an address that can be dialled; one that has none is rejected. */
  #hasAddress({ address }: DiscoveredWorker): boolean {
    try {
      parseAddress(address);
      return true;
    } catch (error) {
      this.#reject({ message: messageOf(error) });
      return false;
    }
  }

  #reject({ message, address }: Rejected): void {
    this.#options.observer.emit({
      type: "discovery.rejected",
      source: this.#source.discovery.source,
      message: escapePeerText(message),
      ...present({ address }),
    });
  }

  #fail(text: string): void {
    const message = escapePeerText(text);
    this.#failure = message;
    const { source } = this.#source.discovery;
    this.#options.observer.emit({ type: "discovery.failed", source, message });
  }
}
