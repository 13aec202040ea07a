import { DialSlots } from "../../src/dispatch/endpoint/dial.ts";
import type { Dial } from "../../src/dispatch/endpoint/link.ts";
import { WorkerUnavailable } from "../../src/errors/mod.ts";
import type { Clock } from "../../src/observe/mod.ts";
import type { AbortEvents } from "../../src/values/mod.ts";
import { FakeLink } from "../../tests/support/fake_network.ts";
import { refusedCall } from "./failures.ts";
import type { SimulatedWorker } from "./worker.ts";

/** How long a handshake may take, in milliseconds: the default of dispatchers. */
const HANDSHAKE_TIMEOUT_MS = 5_000;
/** What a handshake takes of the dispatcher's one event loop, in milliseconds. */
const DISPATCHER_HANDSHAKE_MS = 1;
/** When a peer that answers nothing is given up: a PING after 20 s, 10 s for its answer. */
const KEEPALIVE_MS = 30_000;

/** A connection of a dispatcher to a worker. */
export class SimulatedLink extends FakeLink {
  #calls = 0;

  constructor(readonly to: SimulatedWorker, onState: FakeLink["onState"]) {
    super({ address: to.address }, onState);
    to.links.add(this);
  }

  /** Makes a call over it. */
  async call(): Promise<void> {
    if (this.state === "closed") throw refusedCall();
    this.#calls += 1;
    try {
      await this.to.serve(this);
    } finally {
      this.#calls -= 1;
      if (this.state === "draining") this.#closeWhereIdle();
    }
  }

  override move(state: FakeLink["state"]): void {
    super.move(state);
    if (state === "draining") this.#closeWhereIdle();
    if (state === "closed") this.to.links.delete(this);
  }

  #closeWhereIdle(): void {
    if (this.#calls === 0) this.end("orderly");
  }
}

/** What dispatchers dial, and how often they did. */
export class SimulatedNetwork {
  /** Dials that were begun and that failed since the count was taken last. */
  counts = { begun: 0, failed: 0 };
  readonly #clock: Clock;
  readonly #workers = new Map<string, SimulatedWorker>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get workers(): readonly SimulatedWorker[] {
    return [...this.#workers.values()];
  }

  add(worker: SimulatedWorker): void {
    this.#workers.set(worker.address, worker);
  }

  remove(worker: SimulatedWorker): void {
    this.#workers.delete(worker.address);
  }

  /** How one dispatcher dials: so many handshakes at once, one at a time on its event loop. */
  dialler(handshakes: number): Dial {
    const slots = new DialSlots(handshakes);
    let busyUntil = 0;
    return async ({ address }, { signal, onState }) => {
      using _slot = await slots.take(signal);
      this.counts.begun += 1;
      const worker = this.#workers.get(address);
      const now = this.#clock.now();
      if (worker === undefined || worker.condition === "down") {
        await this.#wait(1, signal);
        this.counts.failed += 1;
        throw unreachable(address);
      }
      worker.dialled += 1;
      busyUntil = Math.max(busyUntil, now) + DISPATCHER_HANDSHAKE_MS;
      worker.handshakesUntil = Math.max(worker.handshakesUntil, now) + worker.model.handshakeMs;
      const done = Math.max(busyUntil, worker.handshakesUntil) + worker.model.roundTripMs * 2;
      const late = worker.condition === "frozen" || done - now > HANDSHAKE_TIMEOUT_MS;
      await this.#wait(late ? HANDSHAKE_TIMEOUT_MS : done - now, signal);
      if (late || worker.condition !== "up") {
        this.counts.failed += 1;
        throw unreachable(address);
      }
      return new SimulatedLink(worker, onState);
    };
  }

  /** A worker freezes: its peers notice by their keepalive. */
  freeze(worker: SimulatedWorker): void {
    worker.freeze();
    this.#clock.schedule(() => {
      if (worker.condition !== "frozen") return;
      for (const link of [...worker.links]) {
        worker.forsake(link);
        link.end("lost");
      }
    }, KEEPALIVE_MS);
  }

  #wait(ms: number, signal: AbortEvents): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#clock.schedule(() => signal.aborted ? reject(signal.reason) : resolve(), ms);
    });
  }
}

function unreachable(address: string): WorkerUnavailable {
  return new WorkerUnavailable("unreachable", { worker: { address }, notBegun: true });
}
