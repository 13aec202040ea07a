import { Attempts } from "../../src/dispatch/calls/attempts.ts";
import type { PlacedCall } from "../../src/dispatch/calls/placed_call.ts";
import { RetryBudget } from "../../src/dispatch/calls/retry_budget.ts";
import { Fleet } from "../../src/dispatch/fleet/fleet.ts";
import type { Link } from "../../src/dispatch/endpoint/link.ts";
import { defaultDispatcherLimits as limits } from "../../src/dispatch/limits.ts";
import type { Discovery } from "../../src/discovery/mod.ts";
import { type Clock, EventHub } from "../../src/observe/mod.ts";
import type { SimulatedLink, SimulatedNetwork } from "./network.ts";
import { exponential } from "./random.ts";

/** What became of calls. */
export interface Tally {
  answered: number;
  failed: number;
  /** How long those answered took, in milliseconds. */
  readonly tookMs: number[];
  /** The failures, by name. */
  readonly failures: Map<string, number>;
}

/** An empty tally. */
export function newTally(): Tally {
  return { answered: 0, failed: 0, tookMs: [], failures: new Map() };
}

/** What a caller stands on. */
export interface CallerGround {
  readonly clock: Clock;
  readonly network: SimulatedNetwork;
  readonly discovery: Discovery;
  readonly random: () => number;
  /** How many workers it uses at most. */
  readonly workers: number;
  /** Which of the dispatchers it is. */
  readonly ordinal: number;
  /** How long a call may wait for a worker and run, in milliseconds. */
  readonly timeoutMs: number;
}

/** A dispatcher whose connections are simulated, and the program that calls on it. */
export class Caller {
  readonly fleet: Fleet;
  /** Where calls are counted; replaced when a new count begins. */
  tally: Tally = newTally();
  readonly #ground: CallerGround;
  readonly #attempts: Attempts;
  #meanMs = Infinity;
  #next: Disposable | undefined;

  constructor(ground: CallerGround) {
    this.#ground = ground;
    const { clock, network, discovery, random, workers, ordinal } = ground;
    const dispatcherId = `dispatcher-${ordinal}`;
    const observer = new EventHub(dispatcherId, { clock });
    this.fleet = new Fleet({
      sources: [{
        discovery,
        dial: network.dialler(limits.handshakes),
        lease: { workers, ordinal },
      }],
      maxWorkers: limits.maxWorkers,
      dispatcherId,
      clock,
      observer,
      random,
      backoff: { shortestMs: limits.shortestBackoffMs, longestMs: limits.longestBackoffMs },
      connectionAgeMs: limits.connectionAgeMs,
      distrustGraceMs: limits.distrustGraceMs,
    });
    const budget = new RetryBudget(limits.retryPercent / 100, limits.retryBurst);
    this.#attempts = new Attempts({ fleet: this.fleet, clock, observer, budget });
  }

  /** Calls from now on `perSecond` times a second, at times that do not know of each other; 0 is never. */
  callsAt(perSecond: number): void {
    this.#next?.[Symbol.dispose]();
    this.#meanMs = 1_000 / perSecond;
    if (perSecond > 0) this.#schedule();
  }

  #schedule(): void {
    const { clock, random } = this.#ground;
    this.#next = clock.schedule(() => {
      this.#schedule();
      void this.#call();
    }, exponential(random, this.#meanMs));
  }

  async #call(): Promise<void> {
    const { tally } = this;
    const { clock, timeoutMs } = this.#ground;
    const begun = clock.now();
    const call: PlacedCall = {
      routine: "simulated",
      wanted: {},
      idempotent: false,
      signal: undefined,
      timeoutMs,
      deadline: begun + timeoutMs,
    };
    try {
      await this.#attempts.make(call, (link: Link) => (link as SimulatedLink).call());
      tally.answered += 1;
      tally.tookMs.push(clock.now() - begun);
    } catch (error) {
      const name = (error as Error).name;
      tally.failed += 1;
      tally.failures.set(name, (tally.failures.get(name) ?? 0) + 1);
    }
  }
}
