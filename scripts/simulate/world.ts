import { type AnnouncementLease, memoryDiscovery } from "../../src/discovery/mod.ts";
import { Caller, newTally, type Tally } from "./caller.ts";
import { SimulatedNetwork } from "./network.ts";
import { seededRandom } from "./random.ts";
import { VirtualClock } from "./virtual_clock.ts";
import { SimulatedWorker, type WorkerModel } from "./worker.ts";

/** How large a simulated fleet is. */
export interface WorldSize {
  readonly workers: number;
  readonly dispatchers: number;
  /** How many workers each dispatcher uses at most. */
  readonly lease: number;
  /** How long the load is compared over: in 20 s a worker answers about 240 calls. */
  readonly seconds: number;
  /** What the random numbers follow from. */
  readonly seed: number;
}

/** What every worker is like: 2 processors, 100 ms a call. */
export const MODEL: WorkerModel = {
  processors: 2,
  concurrency: 256,
  serviceMs: 100,
  timeoutMs: 5_000,
  roundTripMs: 1,
  handshakeMs: 1,
};

/** The share of its processors that a worker is to be busy. */
export const BUSY = 0.6;

/** Workers, dispatchers and a network between them, in virtual time. */
export class World implements AsyncDisposable {
  readonly clock = new VirtualClock();
  readonly network = new SimulatedNetwork(this.clock);
  readonly callers: readonly Caller[];
  readonly random: () => number;
  readonly size: WorldSize;
  readonly #discovery = memoryDiscovery("simulated");
  readonly #leases = new Map<SimulatedWorker, AnnouncementLease>();
  readonly #stop = new AbortController();
  #made = 0;

  private constructor(size: WorldSize) {
    this.size = size;
    this.random = seededRandom(size.seed);
    this.callers = Array.from(
      { length: size.dispatchers },
      (_, ordinal) =>
        new Caller({
          clock: this.clock,
          network: this.network,
          discovery: this.#discovery,
          random: seededRandom(size.seed * 1_000 + ordinal + 1),
          workers: size.lease,
          ordinal,
          timeoutMs: MODEL.timeoutMs,
        }),
    );
  }

  /** A fleet that has been under load for some seconds. */
  static async open(size: WorldSize): Promise<World> {
    const world = new World(size);
    // At once: dispatchers that are handed 10,000 workers one by one move their leases 10,000 times.
    await Promise.all(Array.from({ length: size.workers }, () => world.addWorker()));
    world.load(BUSY);
    await world.clock.run(5_000);
    return world;
  }

  /** The workers that serve. */
  get serving(): readonly SimulatedWorker[] {
    return this.network.workers.filter(({ condition }) => condition === "up");
  }

  /** How many connections there are. */
  get connections(): number {
    return this.network.workers.reduce((sum, { links }) => sum + links.size, 0);
  }

  /** Calls at a rate that keeps the processors of all workers busy for that share of the time. */
  load(busy: number): void {
    const { workers, dispatchers } = this.size;
    const perSecond = busy * workers * MODEL.processors * 1_000 / MODEL.serviceMs;
    for (const caller of this.callers) caller.callsAt(perSecond / dispatchers);
  }

  /** A new worker at an address of its own, which announces itself. */
  async addWorker(): Promise<SimulatedWorker> {
    const n = this.#made++;
    const address = `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}:8443`;
    const worker = new SimulatedWorker(
      address,
      MODEL,
      this.clock,
      seededRandom(this.size.seed * 7_919 + n),
    );
    this.network.add(worker);
    const announcement = { id: address, address, tags: [], tls: true };
    this.#leases.set(
      worker,
      await this.#discovery.announce(announcement, { signal: this.#stop.signal }),
    );
    return worker;
  }

  /** A worker leaves as one that drains does: first the discovery, then its connections, then it is gone. */
  async retire(worker: SimulatedWorker): Promise<void> {
    await this.#leases.get(worker)?.[Symbol.asyncDispose]();
    this.#leases.delete(worker);
    worker.drain();
    this.clock.schedule(() => {
      worker.crash();
      this.network.remove(worker);
    }, 10_000);
  }

  /** Counts from now on. @returns what is counted. */
  count(): Tally {
    const tally = newTally();
    for (const caller of this.callers) caller.tally = tally;
    for (const worker of this.network.workers) [worker.answered, worker.dialled] = [0, 0];
    this.network.counts = { begun: 0, failed: 0 };
    return tally;
  }

  /** Ends every dispatcher. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const caller of this.callers) caller.callsAt(0);
    this.#stop.abort();
    const closed = Promise.all(this.callers.map(({ fleet }) => fleet.close(0)));
    await this.clock.run(60_000);
    await closed;
    this.clock[Symbol.dispose]();
  }
}
