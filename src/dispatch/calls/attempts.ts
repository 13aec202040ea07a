import { Code, ConnectError } from "@connectrpc/connect";
import type { Clock, Observer, RetryCause } from "../../observe/mod.ts";
import { DeadlineExceeded, WorkerUnavailable } from "../../errors/mod.ts";
import type { Endpoint } from "../endpoint/endpoint.ts";
import type { Link } from "../endpoint/link.ts";
import { notReady, noWorkerAccepted } from "./exhausted.ts";
import type { Fleet } from "../fleet/fleet.ts";
import { type PlacedCall, remainingMs } from "./placed_call.ts";
import { judgeFailure } from "./retry.ts";
import type { RetryBudget } from "./retry_budget.ts";
import { READY_TIMEOUT_MS, WAIT_OVER, waitFor } from "./waiting.ts";
import { present } from "../../values/mod.ts";

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
    const { fleet, budget } = this.#options;
    budget.earn();
    if (fleet.lacksQuorum) await this.#quorum(call);
    let tried: Map<Endpoint, Error> | undefined;
    let lost = 0;
    let left: Left | undefined;
    for (let attempt = 1;;) {
      const endpoint = fleet.choose(call.wanted, tried, call.routine) ??
        await this.place(call, tried ??= new Map());
      const link = endpoint.linkForCall();
      if (link === undefined) continue;
      if (left !== undefined && left.endpoint !== endpoint) this.#report(call, left);
      const place = endpoint.held.add(call);
      const begun = performance.now();
      try {
        const result = await once(link, endpoint);
        fleet.answered(endpoint, performance.now() - begun);
        return result;
      } catch (thrown) {
        if (call.signal?.aborted) throw call.signal.reason;
        const failure = judgeFailure(thrown, call, endpoint, link);
        if (isUnanswered(failure.error)) fleet.unanswered(endpoint);
        else if (failure.final) fleet.answered(endpoint, performance.now() - begun);
        if (failure.final || call.input?.repeatable === false) throw failure.error;
        if (failure.cause === "overloaded") fleet.hadNoRoom(endpoint);
        if (BUDGETED.has(failure.cause) && !budget.spend()) throw failure.error;
        if (!failure.sameWorker || ++lost === SAME_WORKER_ATTEMPTS) {
          (tried ??= new Map()).set(endpoint, failure.error);
        }
        left = { endpoint, cause: failure.cause, attempt: attempt++ };
      } finally {
        endpoint.held.remove(place);
      }
    }
  }

  /**
   * Finds a worker that takes calls and has not been `tried`; those that could not be connected are
   * added to `tried`.
   *
   * @throws {SelvageError} If no worker is left to try; the error says why those that were tried failed.
   */
  async place(call: PlacedCall, tried: Map<Endpoint, Error>): Promise<Endpoint> {
    const { fleet, clock } = this.#options;
    const over = new AbortController();
    try {
      const endpoint = await waitFor(fleet.bring(call.wanted, tried, over.signal, call.routine), {
        clock,
        signal: call.signal,
        timeoutMs: remainingMs(call),
        expired: () => new DeadlineExceeded(call.timeoutMs ?? 0),
      });
      if (endpoint === undefined || fleet.closed) throw noWorkerAccepted(tried, fleet, call.wanted);
      return endpoint;
    } finally {
      over.abort(WAIT_OVER);
    }
  }

  /**
   * Waits until as many workers take calls as are wanted before the first call.
   *
   * @throws {SelvageError} Where the call has no time left for that.
   */
  async #quorum(call: PlacedCall): Promise<void> {
    const { fleet, clock } = this.#options;
    const over = new AbortController();
    const timeoutMs = remainingMs(call) ?? READY_TIMEOUT_MS;
    await waitFor(fleet.ready(fleet.quorum, over.signal), {
      clock,
      signal: call.signal,
      timeoutMs,
      expired: () => notReady(fleet, fleet.quorum, timeoutMs),
    }).finally(() => over.abort(WAIT_OVER));
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
