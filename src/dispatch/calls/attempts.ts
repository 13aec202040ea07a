import { Code, ConnectError } from "@connectrpc/connect";
import type { Clock, Observer, RetryCause } from "../../observe/mod.ts";
import { DeadlineExceeded, WorkerUnavailable } from "../../errors/mod.ts";
import type { Endpoint } from "../endpoint/endpoint.ts";
import type { HeaderList } from "../../http2/mod.ts";
import type { HeldPlace } from "../endpoint/held_calls.ts";
import type { Link } from "../endpoint/link.ts";
import { notReady, noWorkerAccepted } from "./exhausted.ts";
import type { Fleet } from "../fleet/fleet.ts";
import { type PlacedCall, remainingMs } from "./placed_call.ts";
import type { RequestFields } from "./call_settings.ts";
import { judgeFailure } from "./retry.ts";
import type { RetryBudget } from "./retry_budget.ts";
import { READY_TIMEOUT_MS, waitFor } from "./waiting.ts";
import { Ending, present, readingTime } from "../../values/mod.ts";

/** What making calls on a fleet takes. */
export interface AttemptsOptions {
  readonly fleet: Fleet;
  readonly clock: Clock;
  readonly observer: Observer;
  /** How many calls may be made again. */
  readonly budget: RetryBudget;
}

/** Failures that many calls have at once, where making each again would multiply the load. */
const BUDGETED: ReadonlySet<RetryCause> = new Set(["overloaded", "connection-lost"]);

/** How often the same worker may be asked again because a connection to it ended. */
const SAME_WORKER_ATTEMPTS = 3;

/** Whether a worker has left a call without an answer, which a refusal or the routine's own error is. */
function isUnanswered(error: unknown): boolean {
  if (error instanceof WorkerUnavailable) return !error.notBegun;
  return error instanceof DeadlineExceeded ||
    error instanceof ConnectError && error.code === Code.DeadlineExceeded;
}

/** A worker that did not take a call, and why. */
interface Left {
  readonly endpoint: Endpoint;
  readonly cause: RetryCause;
  readonly attempt: number;
}

/** A call on one worker; ended by {@linkcode Attempts.answered} or {@linkcode Attempts.again}. */
export class Attempt {
  readonly endpoint: Endpoint;
  readonly link: Link;
  /** Its place among the calls that the worker holds. */
  readonly place: HeldPlace;
  /** When it began, by `performance.now()`. */
  readonly begunAt: number;

  constructor(call: PlacedCall, endpoint: Endpoint, link: Link, begunAt: number) {
    this.endpoint = endpoint;
    this.link = link;
    this.place = endpoint.held.add(call);
    this.begunAt = begunAt;
    call.lastAttempt = this;
  }
}

/** What a request needs could not be had: nothing was sent, and that says nothing of the worker. */
class NotSent {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

/** What became of the attempts of a call that have failed. */
class Failures {
  /** Workers that are not asked again, and why. */
  tried: Map<Endpoint, Error> | undefined;
  /** How often a connection has ended since a worker was given up. */
  lost = 0;
  left: Left | undefined;
  attempt = 1;
}

/** Brings calls to workers, each at most once unless it is idempotent. */
export class Attempts {
  readonly #options: AttemptsOptions;

  /** Over a fleet. */
  constructor(options: AttemptsOptions) {
    this.#options = options;
  }

  /**
   * Makes a call on one worker, and on another where it is known not to have begun.
   *
   * @param once makes the call there; what it throws, as `rpc/` reports it, is judged.
   */
  async make<Result>(
    call: PlacedCall,
    once: (link: Link, endpoint: Endpoint) => Promise<Result>,
  ): Promise<Result> {
    const first = this.begin(call, performance.now());
    if (first === undefined && this.#options.fleet.lacksQuorum) await this.#quorum(call);
    return await this.#make(call, once, new Failures(), first);
  }

  /**
   * Begins a call on a worker that takes it at once. It is the first attempt of a call, and there is no other that is
   * not {@linkcode Attempts.make}'s.
   *
   * @param now the time, by `performance.now()`.
   * @returns the attempt; `undefined` where the call has to wait for a worker, as `make` does.
   */
  begin(call: PlacedCall, now: number): Attempt | undefined {
    const { fleet, budget } = this.#options;
    budget.earn();
    if (fleet.lacksQuorum) return undefined;
    const endpoint = fleet.choose(call.wanted, undefined, call.routine);
    const link = endpoint?.linkForCall();
    return link && new Attempt(call, endpoint!, link, now);
  }

  /**
   * The fields of a request beyond those that every one has. What they wait for, a token for instance, takes no longer
   * than the call may.
   */
  fields(
    call: PlacedCall,
    fields: RequestFields | undefined,
    link: Link,
  ): HeaderList | undefined | Promise<HeaderList> {
    const found = fields?.(link);
    return found instanceof Promise ? this.#inTime(call, found) : found;
  }

  async #inTime(call: PlacedCall, found: Promise<HeaderList>): Promise<HeaderList> {
    const { signal, timeoutMs = 0 } = call;
    const expired = () =>
      new DeadlineExceeded(timeoutMs, `there was no token for the call within ${timeoutMs} ms`);
    const { clock } = this.#options;
    try {
      return await waitFor(found, { clock, signal, timeoutMs: remainingMs(call), expired });
    } catch (error) {
      throw new NotSent(error);
    }
  }

  /** The worker has answered. */
  answered({ endpoint, place, begunAt }: Attempt): void {
    const now = readingTime();
    this.#options.fleet.answered(endpoint, now - begunAt, now);
    endpoint.held.remove(place);
  }

  /**
   * Goes on as {@linkcode Attempts.make} does, after the first attempt of a call has failed or could not be begun.
   *
   * @param failed what `begin` returned, and what it failed with.
   */
  async again<Result>(
    call: PlacedCall,
    once: (link: Link, endpoint: Endpoint) => Promise<Result>,
    failed: { readonly attempt: Attempt; readonly thrown: unknown } | undefined,
  ): Promise<Result> {
    const failures = new Failures();
    if (failed === undefined) {
      if (this.#options.fleet.lacksQuorum) await this.#quorum(call);
    } else {
      // In a turn of the caller's: what is thrown then shows where it was called.
      await undefined;
      this.#failed(call, failed.attempt, failed.thrown, failures);
    }
    return await this.#make(call, once, failures, undefined);
  }

  async #make<Result>(
    call: PlacedCall,
    once: (link: Link, endpoint: Endpoint) => Promise<Result>,
    failures: Failures,
    first: Attempt | undefined,
  ): Promise<Result> {
    for (let attempt = first;; attempt = undefined) {
      attempt ??= await this.#next(call, failures);
      try {
        const result = await once(attempt.link, attempt.endpoint);
        this.answered(attempt);
        return result;
      } catch (thrown) {
        this.#failed(call, attempt, thrown, failures);
      }
    }
  }

  /** Begins the next attempt. */
  async #next(call: PlacedCall, failures: Failures): Promise<Attempt> {
    for (;;) {
      const endpoint = this.#options.fleet.choose(call.wanted, failures.tried, call.routine) ??
        await this.place(call, failures.tried ??= new Map());
      const link = endpoint.linkForCall();
      if (link === undefined) continue;
      const { left } = failures;
      if (left !== undefined && left.endpoint !== endpoint) this.#report(call, left);
      return new Attempt(call, endpoint, link, performance.now());
    }
  }

  /**
   * An attempt has failed.
   *
   * @throws what the call fails with, where it may not be made again.
   */
  #failed(call: PlacedCall, attempt: Attempt, thrown: unknown, failures: Failures): void {
    const { fleet, budget } = this.#options;
    const { endpoint, link, place, begunAt } = attempt;
    endpoint.held.remove(place);
    if (call.signal?.aborted) throw call.signal.reason;
    if (thrown instanceof NotSent) throw thrown.error;
    const failure = judgeFailure(thrown, call, endpoint, link);
    if (isUnanswered(failure.error)) fleet.unanswered(endpoint);
    else if (failure.final) {
      const now = performance.now();
      fleet.answered(endpoint, now - begunAt, now);
    }
    if (failure.final || call.input?.repeatable === false) throw failure.error;
    if (failure.cause === "overloaded") fleet.hadNoRoom(endpoint);
    if (BUDGETED.has(failure.cause) && !budget.spend()) throw failure.error;
    if (!failure.sameWorker || ++failures.lost === SAME_WORKER_ATTEMPTS) {
      failures.lost = 0;
      (failures.tried ??= new Map()).set(endpoint, failure.error);
    }
    failures.left = { endpoint, cause: failure.cause, attempt: failures.attempt++ };
  }

  /**
   * Finds a worker that takes calls and has not been `tried`; those that could not be connected are
   * added to `tried`.
   *
   * @throws {SelvageError} If no worker is left to try; the error says why those that were tried failed.
   */
  async place(call: PlacedCall, tried: Map<Endpoint, Error>): Promise<Endpoint> {
    const { fleet, clock } = this.#options;
    const { timeoutMs = 0 } = call;
    const over = new Ending();
    const expired = () =>
      new DeadlineExceeded(
        timeoutMs,
        `no worker took the call within ${timeoutMs} ms: ${fleet.whatIsAwaited}`,
      );
    try {
      const endpoint = await waitFor(fleet.bring(call.wanted, tried, over, call.routine), {
        clock,
        signal: call.signal,
        timeoutMs: remainingMs(call),
        expired,
      });
      if (endpoint === undefined || fleet.closed) throw noWorkerAccepted(tried, fleet, call.wanted);
      return endpoint;
    } finally {
      over.abort();
    }
  }

  /**
   * Waits until as many workers take calls as are wanted before the first call.
   *
   * @throws {SelvageError} Where the call has no time left for that.
   */
  async #quorum(call: PlacedCall): Promise<void> {
    const { fleet, clock } = this.#options;
    const over = new Ending();
    const timeoutMs = remainingMs(call) ?? READY_TIMEOUT_MS;
    await waitFor(fleet.ready(fleet.quorum, over), {
      clock,
      signal: call.signal,
      timeoutMs,
      expired: () => notReady(fleet, fleet.quorum, timeoutMs),
    }).finally(() => over.abort());
  }

  #report(call: PlacedCall, { endpoint, cause, attempt }: Left): void {
    const { routine, callId } = call;
    this.#options.observer.emit({
      type: "dispatch.retried",
      routine,
      worker: endpoint.ref,
      cause,
      attempt,
      ...present({ callId }),
    });
  }
}
