import type { WorkerState } from "../../contract/mod.ts";
import { HandshakeError, type WorkerRef, WorkerUnavailable } from "../../errors/mod.ts";
import type { DiscoveredWorker } from "../../discovery/mod.ts";
import { HandshakeCounts, type Observer, whenDue } from "../../observe/mod.ts";
import { HeldCalls } from "./held_calls.ts";
import { COUNTED, type EndpointState, type Failing, SHOWN } from "./endpoint_state.ts";
import { LeavingLinks, type LeavingLinksOptions } from "./leaving_links.ts";
import { type Dial, type Link, workerRef } from "./link.ts";
import { Load } from "./load.ts";
import type { BalancedWorker } from "../selection/balancer.ts";
import { TrackRecord } from "./track_record.ts";
import { Dialling, SENT_AWAY_LIMIT } from "./dialling.ts";
import { backoffMs, type BackoffOptions } from "./backoff.ts";
import { Ending, present } from "../../values/mod.ts";

/** What an endpoint is given. */
export interface EndpointOptions extends LeavingLinksOptions {
  readonly dial: Dial;
  readonly observer: Observer;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly backoff: BackoffOptions;
  /** The age at which a connection is replaced, ±10%, in milliseconds. */
  readonly connectionAgeMs: number;
  /** Called when the endpoint begins or ceases to take calls, and when an attempt has failed. */
  readonly onChange: (endpoint: Endpoint) => void;
}

/** A connection at least this old worked; losing it is no reason to wait before dialling again. */
const PROVEN_MS = 1_000;

/** A dispatcher's view of one worker. */
export class Endpoint implements BalancedWorker {
  /** What balancing goes by. */
  readonly load: Load = new Load();
  /** The dispatcher's calls that it is at. */
  readonly held: HeldCalls = new HeldCalls(this.load);
  /** How it has done with those before. */
  readonly record: TrackRecord = new TrackRecord(this.load);
  readonly #options: EndpointOptions;
  readonly #failures = new HandshakeCounts();
  readonly #leaving: LeavingLinks;
  readonly #dialling: Dialling;
  #worker: DiscoveredWorker;
  #state: EndpointState = { name: "idle" };
  /** Attempts that failed in a row, or whose connection was lost at once. */
  #failed = 0;
  /** Connections in a row for which the worker sent GOAWAY at once. */
  #sentAway = 0;
  #lastFailure: Error | undefined;
  #openedAt = 0;
  #lapsed = false;
  /** The connection that was open when it was stopped. */
  #stopped: Link | undefined;
  #id: string | undefined;
  #tags: readonly string[] | undefined;

  constructor(worker: DiscoveredWorker, options: EndpointOptions) {
    this.#worker = worker;
    this.#options = options;
    this.#leaving = new LeavingLinks(options);
    this.#dialling = new Dialling({
      dial: options.dial,
      worker: () => this.#worker,
      opened: (link, stayMs) => this.#opened(link, stayMs),
      lost: (link, state) => this.#lost(link, state),
      leave: (link) => this.#leave(link),
      failed: (error) => this.#fail(error),
      unavailable: (what) => this.#unavailable(what),
    });
  }

  /** How many of the dispatcher's calls it is at. */
  get inFlight(): number {
    return this.held.size;
  }

  /** The worker's id, once it or its announcement has given it. */
  get id(): string | undefined {
    return this.#id ?? this.#worker.id;
  }

  /** Where it is dialled. */
  get address(): string {
    return this.#worker.address;
  }

  /** How long its answers took lately, in milliseconds. */
  get latencyMs(): number {
    return this.record.latencyMs(this.#options.clock.steady());
  }

  /** The number of the last call that it was given, which rises with each; 0 before the first. */
  get lastCall(): number {
    return this.load.lastCall;
  }

  /** The worker, as discovery reports it. */
  get worker(): DiscoveredWorker {
    return this.#worker;
  }

  /** Which worker, as errors and events name it; with the id that it reported when it was connected. */
  get ref(): WorkerRef {
    return workerRef(this);
  }

  /** The tags it reported when it was connected, else those of its announcement; unknown before either. */
  get tags(): readonly string[] | undefined {
    return this.#tags ?? this.#worker.tags;
  }

  /** The connection that takes calls now. */
  get link(): Link | undefined {
    return this.#state.name === "open" ? this.#state.link : undefined;
  }

  /**
   * The connection for a call that begins now. There is none where the worker's certificate has ended and
   * our timer is late, as after the machine was suspended: the connection is left.
   */
  linkForCall(): Link | undefined {
    const { link } = this;
    if (link === undefined || !(this.#options.clock.now() > (link.validUntil ?? Infinity))) {
      return link;
    }
    this.#retire(link);
    return undefined;
  }

  /** Why it takes no calls, where the last attempt to connect failed. */
  get lastFailure(): Error | undefined {
    return this.#lastFailure;
  }

  /** Failed handshakes by reason. */
  get handshakeFailures(): Readonly<Record<string, number>> {
    return this.#failures.byReason();
  }

  /** Where it stands. */
  get state(): WorkerState {
    if (this.#state.name === "idle" && this.#leaving.size > 0) return "draining";
    return SHOWN[this.#state.name];
  }

  /** Whether it has neither a connection nor a failure: no call has needed it. */
  get isIdle(): boolean {
    return this.#state.name === "idle";
  }

  /** Whether the worker is used for as long as its connection lasts, and not dialled again. */
  get lapsed(): boolean {
    return this.#lapsed;
  }

  /**
   * Discovery no longer knows whether the worker is there. Returns whether its connection stays in use; without one
   * there is nothing left to use.
   */
  lapse(): boolean {
    return this.#lapsed = this.link !== undefined;
  }

  /** Discovery reports something new of the worker. */
  update(worker: DiscoveredWorker): void {
    this.#lapsed = false;
    const moved = worker.expected !== this.#worker.expected;
    this.#worker = worker;
    if (moved) this.renew();
  }

  /**
   * Asks for a connection. A worker that failed is tried again at once where the shortest wait is
   * over, else when it is, whatever its backoff: a call needs it.
   *
   * @returns whether there is one; `false` once the attempt has failed.
   */
  connect(): Promise<boolean> {
    switch (this.#state.name) {
      case "idle":
        return this.#dial();
      case "dialling":
        return this.#state.settled;
      case "open":
        return Promise.resolve(true);
      case "failing":
        return this.#hasten(this.#state);
      case "removed":
        return Promise.resolve(false);
    }
  }

  /** The credentials are new: the next call dials anew, calls in flight finish where they are. */
  renew(): void {
    this.#dialling.renew();
    this.#failed = 0;
    this.#leaving.judge();
    const { link } = this;
    if (this.#lapsed && link !== undefined && link.judge().trusted) return;
    // A dial under way notices by itself.
    if (this.#state.name === "open") this.#move({ name: "idle" });
    if (this.#state.name === "failing") this.#excuse(this.#state);
    if (link !== undefined) this.#leave(link);
  }

  /** Takes no more calls; resolves when those in flight have finished. */
  async remove(): Promise<void> {
    if (this.#state.name === "dialling") this.#state.abort.abort();
    const { link } = this;
    this.#move({ name: "removed" });
    if (link !== undefined) this.#leave(link);
    await this.#leaving.closed();
  }

  /** As {@linkcode Endpoint.remove}, where {@linkcode Endpoint.abort} follows at once: nothing is judged or waited for. */
  async stop(): Promise<void> {
    if (this.#state.name === "dialling") this.#state.abort.abort();
    this.#stopped = this.link;
    this.#move({ name: "removed" });
    await Promise.all([this.#stopped?.connection.closed, this.#leaving.closed()]);
  }

  /** Ends every connection now. */
  abort(code: number): void {
    this.#stopped?.connection.abort(code);
    this.#leaving.abort(code);
  }

  #dial(): Promise<boolean> {
    if (this.#state.name === "dialling") return this.#state.settled;
    const abort = new Ending();
    const settled = this.#dialling.attempt(abort);
    this.#move({ name: "dialling", abort, settled });
    return settled;
  }

  #opened(link: Link, stayMs: number): void {
    this.#openedAt = this.#options.clock.steady();
    this.#lastFailure = undefined;
    this.#id = link.id;
    this.#tags = link.tags;
    this.#move({ name: "open", link, retire: this.#retireWithin(link, stayMs) });
  }

  /** Leaves a connection when it is too old, or has stayed for that long, or the worker's proof ends. */
  #retireWithin(link: Link, stayMs: number): Disposable {
    const { clock, connectionAgeMs, random } = this.#options;
    const { validUntil = Infinity } = link;
    const age = connectionAgeMs * (0.9 + random() * 0.2);
    const ends = clock.steady() + Math.min(age, stayMs);
    const leftMs = () => Math.min(ends - clock.steady(), validUntil - clock.now());
    return whenDue(clock, leftMs, () => this.#retire(link), { background: true });
  }

  #fail(error: Error): void {
    const { clock, observer, random, backoff } = this.#options;
    this.#failed += 1;
    this.#lastFailure = error;
    if (error instanceof HandshakeError) {
      const { side, reason, peerReason, worker, evidence } = error;
      const at = new Date(clock.now()).toISOString();
      const peer = present({ peerReason });
      this.#failures.record({ reason, at, ...peer });
      observer.emit({ type: "handshake.failed", side, reason, worker, evidence, ...peer });
    }
    const wait = backoffMs(this.#failed, random(), backoff);
    const retry = clock.schedule(() => void this.#dialAgain(), wait, { background: true });
    this.#move({ name: "failing", at: clock.steady(), retry });
  }

  /** Dials after a failure, and the wait that follows one. */
  #dialAgain(): Promise<boolean> {
    this.#dialling.forgetRestarts();
    return this.#dial();
  }

  /** The credentials that it failed with are replaced: dials on demand, where that has not been done too often. */
  #excuse(failing: Failing): void {
    const { clock } = this.#options;
    const wait = this.#shortestWait(failing);
    if (wait <= 0) this.#dialling.forgetRestarts();
    if (wait <= 0 || this.#dialling.mayRestart()) return this.#move({ name: "idle" });
    // Where a call waits, the next attempt is not later than that.
    if (failing.awaited !== undefined) return;
    failing.retry[Symbol.dispose]();
    const retry = clock.schedule(() => void this.#dialAgain(), wait, { background: true });
    this.#state = { ...failing, retry };
  }

  /** What is left of the shortest wait after a failure, in milliseconds. */
  #shortestWait({ at }: Failing): number {
    const { clock, backoff } = this.#options;
    return at + (backoff.shortestMs ?? 100) - clock.steady();
  }

  /** Brings the next attempt forward to the end of the shortest wait. */
  #hasten(failing: Failing): Promise<boolean> {
    const wait = this.#shortestWait(failing);
    if (wait <= 0) return this.#dialAgain();
    if (failing.awaited !== undefined) return failing.awaited.promise;
    failing.retry[Symbol.dispose]();
    const retry = this.#options.clock.schedule(() => void this.#dialAgain(), wait);
    const awaited = Promise.withResolvers<boolean>();
    this.#state = { ...failing, retry, awaited };
    return awaited.promise;
  }

  /**
   * The connection no longer takes streams: the worker sent GOAWAY, or the connection is closed. After a
   * GOAWAY the next demand dials at once. After a connection that was cut within {@linkcode PROVEN_MS}, or
   * {@linkcode SENT_AWAY_LIMIT} such GOAWAYs in a row, the endpoint waits as after a failed dial.
   */
  #lost(link: Link, state: "draining" | "closed"): void {
    if (this.#state.name !== "open" || this.#state.link !== link) return;
    this.#leaving.add(link);
    if (this.#options.clock.steady() - this.#openedAt >= PROVEN_MS) {
      this.#failed = 0;
      this.#sentAway = 0;
      this.#move({ name: "idle" });
    } else if (state === "draining" && ++this.#sentAway < SENT_AWAY_LIMIT) {
      this.#move({ name: "idle" });
    } else {
      const lost = this.#unavailable("the connection was lost");
      this.#fail(lost);
      // The cause is known only once the connection is closed, which may be long after.
      link.connection.closed.then(({ error }) => {
        if (error !== undefined) lost.cause = error;
      });
    }
  }

  /** The connection is too old, or the worker's certificate has expired. */
  #retire(link: Link): void {
    if (this.#state.name !== "open" || this.#state.link !== link) return;
    if (this.#lapsed && this.#options.clock.now() < (link.validUntil ?? Infinity)) {
      this.#state = { ...this.#state, retire: this.#retireWithin(link, Infinity) };
      return;
    }
    this.#move({ name: "idle" });
    this.#leave(link);
  }

  #leave(link: Link): void {
    this.#leaving.add(link);
    link.connection.shutdown();
  }

  #unavailable(what: string): WorkerUnavailable {
    return new WorkerUnavailable(`worker ${this.#worker.address} is unavailable: ${what}`, {
      worker: this.ref,
      notBegun: true,
    });
  }

  /** The one place where the state changes. */
  #move(next: EndpointState): void {
    const before = this.#state;
    if (before.name === "removed") return;
    if (before.name === "open") before.retire[Symbol.dispose]();
    if (before.name === "failing") before.retry[Symbol.dispose]();
    this.#state = next;
    const { metrics } = this.#options.observer;
    metrics.workerMoved(COUNTED[before.name], COUNTED[next.name]);
    if (before.name === "failing") before.awaited?.resolve(this.connect());
    this.#options.onChange(this);
  }
}
