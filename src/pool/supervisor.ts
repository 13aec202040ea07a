import { backoffMs, type BackoffOptions } from "../dispatch/mod.ts";
import type { Clock, HeldCall, Observer } from "../observe/mod.ts";
import { Liveness } from "./liveness.ts";
import { asError, present } from "../values/mod.ts";

/** One process that runs a worker. */
export interface Child {
  /** What to call it until it has reported its id. */
  readonly name: string;
  /** Fulfilled when it takes calls; rejected when it ends, or says that it never will, before that. */
  readonly ready: Promise<ReadyChild>;
  /** Fulfilled when the process has ended, whatever the reason. */
  readonly exited: Promise<ChildExit>;
  /** Lets calls in flight finish within the grace, then ends the process. */
  stop(graceMs: number): Promise<void>;
  /** Sends a ping; fulfilled with its answer, pending for ever where there is none. */
  ping(): Promise<void>;
  /** Ends the process now, calls in flight or not; `exited` settles when it has ended. */
  terminate(): void;
}

/** A child that takes calls. */
export interface ReadyChild {
  readonly id: string;
  readonly address: string;
  /** Who it must prove to be. */
  readonly identity: string;
}

/** How a process ended. */
export interface ChildExit {
  readonly code: number;
  /** The signal that ended it, where one did. */
  readonly signal?: string;
}

/** What a {@linkcode Supervisor} is given. */
export interface SupervisorOptions {
  /** How many children to keep. */
  readonly count: number;
  readonly spawn: () => Child;
  /** Called when the set of ready children changes. */
  readonly onChange: () => void;
  /** How long a child may leave pings unanswered, in milliseconds; 0 is for ever. */
  readonly livenessTimeoutMs: number;
  /** The calls that a worker holds, by its id. */
  readonly callsAt: (workerId: string) => readonly HeldCall[];
  readonly clock: Clock;
  readonly observer: Observer;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly backoff: BackoffOptions;
}

/** A child that has run this long has been of use: its end is no failure in a row. */
const PROVEN_MS = 10_000;

/** Keeps a number of children running. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  #places: readonly Place[];

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#places = Array.from({ length: options.count }, () => new Place(options));
  }

  /**
   * Waits until every child has become ready or failed for the first time.
   *
   * @throws The failure, where every child failed.
   */
  async started(): Promise<void> {
    const outcomes = await Promise.allSettled(this.#places.map((place) => place.first));
    const failed = outcomes.filter((outcome) => outcome.status === "rejected");
    if (failed.length === outcomes.length && failed[0] !== undefined) throw failed[0].reason;
  }

  /**
   * Keeps another number of children from now on. Those that are too many, the youngest places, take no more
   * calls at once and finish within the grace.
   *
   * @returns Settled when the new ones are ready and the others have ended.
   * @throws The failure, where every new child fails for the first time; it is started again all the same.
   */
  async resize(count: number, graceMs: number): Promise<void> {
    const leaving = this.#places.slice(count);
    const coming = Array.from(
      { length: Math.max(0, count - this.#places.length) },
      () => new Place(this.#options),
    );
    this.#places = [...this.#places.slice(0, count), ...coming];
    const started = Promise.allSettled(coming.map(({ first }) => first));
    await Promise.all(leaving.map((place) => place.stop(graceMs)));
    const failed = (await started).filter((outcome) => outcome.status === "rejected");
    if (failed.length > 0 && failed.length === coming.length) throw failed[0]!.reason;
  }

  /** The children that take calls now. */
  get ready(): readonly ReadyChild[] {
    return this.#places.map(({ ready }) => ready).filter((child) => child !== undefined);
  }

  /** Whether a child is being started, or will be. */
  get expectsMore(): boolean {
    return this.#places.some(({ expectsChild }) => expectsChild);
  }

  /** Stops every child for good. */
  async stop(graceMs: number): Promise<void> {
    await Promise.all(this.#places.map((place) => place.stop(graceMs)));
  }
}

type PlaceState =
  | { readonly kind: "starting"; readonly child: Child }
  | {
    readonly kind: "ready";
    readonly child: Child;
    readonly worker: ReadyChild;
    readonly since: number;
    readonly liveness: Disposable | undefined;
  }
  /** It answers no pings; its process is being ended. */
  | { readonly kind: "ending"; readonly child: Child; readonly worker: ReadyChild }
  | { readonly kind: "backoff"; readonly retry: Disposable }
  | { readonly kind: "stopped" };

/** One of the places that always has a child, or waits to have one again. */
class Place {
  readonly #options: SupervisorOptions;
  readonly #first = Promise.withResolvers<void>();
  #state: PlaceState;
  /** Starts in a row that failed. */
  #failures = 0;
  #previousId: string | undefined;
  /** The calls that the previous one held when it had stopped to answer. */
  #heldCalls: readonly HeldCall[] | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#first.promise.catch(() => {});
    this.#state = this.#start();
  }

  /** Settled when the first child is ready or has failed. */
  get first(): Promise<void> {
    return this.#first.promise;
  }

  get ready(): ReadyChild | undefined {
    return this.#state.kind === "ready" ? this.#state.worker : undefined;
  }

  /** Whether a child is being started here, or will be. */
  get expectsChild(): boolean {
    return this.#state.kind !== "ready" && this.#state.kind !== "stopped";
  }

  async stop(graceMs: number): Promise<void> {
    const before = this.#state;
    this.#move({ kind: "stopped" });
    this.#first.reject(new Error("the pool was disposed of before its worker was ready"));
    if (before.kind === "starting" || before.kind === "ready") await before.child.stop(graceMs);
    if (before.kind === "ending") await before.child.exited;
  }

  #start(): PlaceState {
    try {
      const child = this.#options.spawn();
      this.#watch(child);
      return { kind: "starting", child };
    } catch (error) {
      // The system has no room for another process, or does not allow one.
      const failure = asError(error);
      return this.#failed("no process", failure.message, failure, {});
    }
  }

  async #watch(child: Child): Promise<void> {
    const failure = await child.ready.then(
      (worker) => this.#ready(child, worker),
      (error: Error) => error,
    );
    const exit = await child.exited;
    if (this.#state.kind === "stopped") return;
    this.#ended(child, exit, failure ?? undefined);
  }

  #ready(child: Child, worker: ReadyChild): void {
    if (this.#state.kind !== "starting") return;
    const { clock, observer } = this.#options;
    const liveness = this.#supervise(child, worker);
    this.#move({ kind: "ready", child, worker, since: clock.steady(), liveness });
    const { id: workerId, address } = worker;
    observer.emit({ type: "worker.ready", workerId, address, security: "mutual-tls" });
    if (this.#previousId !== undefined) {
      observer.emit({
        type: "worker.restarted",
        workerId: worker.id,
        previousId: this.#previousId,
        attempt: this.#failures,
        ...present({ calls: this.#heldCalls }),
      });
    }
    this.#heldCalls = undefined;
    this.#previousId = worker.id;
    this.#first.resolve();
  }

  #supervise(child: Child, worker: ReadyChild): Disposable | undefined {
    const { livenessTimeoutMs: timeoutMs, clock } = this.#options;
    if (timeoutMs === 0) return undefined;
    return new Liveness({
      timeoutMs,
      clock,
      ping: () => child.ping(),
      onSilent: (silentMs) => this.#unresponsive(child, worker, silentMs),
    });
  }

  /** Its place takes no more calls at once; another child follows when the process has ended. */
  #unresponsive(child: Child, worker: ReadyChild, silentMs: number): void {
    const { observer, callsAt } = this.#options;
    this.#heldCalls = callsAt(worker.id);
    this.#forgetFailures(silentMs);
    this.#move({ kind: "ending", child, worker });
    observer.emit({
      type: "worker.unresponsive",
      workerId: worker.id,
      silentMs,
      calls: this.#heldCalls,
    });
    child.terminate();
  }

  #ended(child: Child, { code: exitCode, signal }: ChildExit, failure: Error | undefined): void {
    this.#forgetFailures();
    const name = "worker" in this.#state ? this.#state.worker.id : child.name;
    const message = failure?.message ?? `its process ended with ${signal ?? `code ${exitCode}`}`;
    const how = signal === undefined ? { exitCode } : { signal };
    this.#move(this.#failed(name, message, failure, how));
  }

  /** A child ends: where it has been of use, until `silentMs` ago, what failed before is no failure in a row. */
  #forgetFailures(silentMs = 0): void {
    const state = this.#state;
    if (state.kind !== "ready") return;
    if (this.#options.clock.steady() - silentMs - state.since >= PROVEN_MS) this.#failures = 0;
  }

  /** Reports a failure, and waits before the next attempt. */
  #failed(
    workerId: string,
    message: string,
    failure: Error | undefined,
    how: { readonly exitCode?: number; readonly signal?: string },
  ): PlaceState {
    const { clock, observer, random, backoff } = this.#options;
    this.#failures += 1;
    observer.emit({ type: "worker.crashed", workerId, message, ...how });
    this.#previousId ??= workerId;
    this.#first.reject(failure ?? new Error(message));
    const retry = clock.schedule(
      () => this.#move(this.#start()),
      backoffMs(this.#failures, random(), backoff),
    );
    return { kind: "backoff", retry };
  }

  /** The one place where the state changes. */
  #move(next: PlaceState): void {
    const before = this.#state;
    if (before.kind === "backoff") before.retry[Symbol.dispose]();
    if (before.kind === "ready") before.liveness?.[Symbol.dispose]();
    this.#state = next;
    if (before.kind === "ready" || next.kind === "ready") this.#options.onChange();
  }
}
