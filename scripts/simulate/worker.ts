import { DeadlineExceeded, Overloaded } from "../../src/errors/mod.ts";
import type { Clock } from "../../src/observe/mod.ts";
import { toConnectError } from "../../src/routine/mod.ts";
import { lostCall } from "./failures.ts";
import type { SimulatedLink } from "./network.ts";
import { exponential } from "./random.ts";

/** What every simulated worker is like. */
export interface WorkerModel {
  /** How many calls are computed at once; more wait. */
  readonly processors: number;
  /** How many calls are taken at once; more are refused. */
  readonly concurrency: number;
  /** How long a call is computed on average, in milliseconds; the times are exponentially distributed. */
  readonly serviceMs: number;
  /** How long a call may take in all, in milliseconds. */
  readonly timeoutMs: number;
  /** The way there and back, in milliseconds. */
  readonly roundTripMs: number;
  /** What a handshake takes of the worker's one event loop, in milliseconds. */
  readonly handshakeMs: number;
}

/** Where a worker is in its life. `frozen` holds its connections and answers nothing. */
export type WorkerCondition = "up" | "down" | "frozen";

interface RunningCall {
  readonly link: SimulatedLink;
  readonly deadline: number;
  readonly reject: (error: Error) => void;
  timer: Disposable;
}

/** A worker that is a queue before some processors. */
export class SimulatedWorker {
  /** How many times as long as others it takes for a call. */
  slowness = 1;
  /** Calls that it has answered. */
  answered = 0;
  /** Handshakes that were begun with it. */
  dialled = 0;
  /** Until when its event loop is busy with handshakes. */
  handshakesUntil = 0;
  readonly links = new Set<SimulatedLink>();
  #condition: WorkerCondition = "up";
  readonly #calls = new Set<RunningCall>();
  /** When each processor is free. */
  #free: Float64Array;

  constructor(
    readonly address: string,
    readonly model: WorkerModel,
    readonly clock: Clock,
    readonly random: () => number,
  ) {
    this.#free = new Float64Array(model.processors);
  }

  get condition(): WorkerCondition {
    return this.#condition;
  }

  /** How many calls it is at. */
  get running(): number {
    return this.#calls.size;
  }

  /** Serves a call that comes over `link`. */
  serve(link: SimulatedLink): Promise<void> {
    const { concurrency, roundTripMs, timeoutMs } = this.model;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const now = this.clock.now();
    const call: RunningCall = { link, deadline: now + timeoutMs, reject, timer: NO_TIMER };
    if (this.#condition === "up" && this.#calls.size >= concurrency) {
      const refused = () => reject(toConnectError(new Overloaded("no room")));
      this.clock.schedule(refused, roundTripMs);
      return promise;
    }
    this.#calls.add(call);
    const done = this.#condition === "up" ? this.#compute(now) : Infinity;
    if (done > call.deadline) this.#expire(call);
    else {
      call.timer = this.clock.schedule(() => {
        this.#calls.delete(call);
        this.answered += 1;
        resolve();
      }, done - now);
    }
    return promise;
  }

  /** Ends it: every connection is lost, and every call with it. */
  crash(): void {
    this.#condition = "down";
    for (const call of this.#calls) {
      call.timer[Symbol.dispose]();
      call.reject(lostCall());
    }
    this.#calls.clear();
    for (const link of [...this.links]) link.end("lost");
  }

  /** Takes no more calls from those that are connected, and finishes what it is at. */
  drain(): void {
    for (const link of [...this.links]) link.move("draining");
  }

  /** It holds what it has, and answers nothing more. */
  freeze(): void {
    this.#condition = "frozen";
    for (const call of this.#calls) this.#expire(call);
  }

  /** It serves again, with empty hands. */
  start(): void {
    this.#condition = "up";
    this.#free = new Float64Array(this.model.processors);
    this.handshakesUntil = 0;
  }

  /** The calls of a connection that is lost, while the worker holds on to it. */
  forsake(link: SimulatedLink): void {
    for (const call of this.#calls) {
      if (call.link !== link) continue;
      call.timer[Symbol.dispose]();
      this.#calls.delete(call);
      call.reject(lostCall());
    }
  }

  /** Takes the processor that is free first. @returns when the answer arrives. */
  #compute(now: number): number {
    let first = 0;
    for (let at = 1; at < this.#free.length; at++) {
      if (this.#free[at]! < this.#free[first]!) first = at;
    }
    const begins = Math.max(now + this.model.roundTripMs / 2, this.#free[first]!);
    const ends = begins + exponential(this.random, this.model.serviceMs * this.slowness);
    this.#free[first] = ends;
    return ends + this.model.roundTripMs / 2;
  }

  #expire(call: RunningCall): void {
    call.timer[Symbol.dispose]();
    call.timer = this.clock.schedule(() => {
      this.#calls.delete(call);
      call.reject(new DeadlineExceeded(this.model.timeoutMs));
    }, call.deadline - this.clock.now());
  }
}

const NO_TIMER: Disposable = { [Symbol.dispose]: () => {} };
