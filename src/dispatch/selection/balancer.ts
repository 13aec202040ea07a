/** A worker that can take a call, as a balancer sees it. */
export interface BalancedWorker {
  /** The worker's id, once it has reported it. */
  readonly id: string | undefined;
  /** Where it is dialled. */
  readonly address: string;
  /** Its tags, where they are known. */
  readonly tags: readonly string[] | undefined;
  /** How many of this dispatcher's calls it is at. */
  readonly inFlight: number;
  /**
   * How long its answers took lately, in milliseconds: an average. It fades to 0 while the worker has no calls,
   * not while it leaves some unanswered.
   */
  readonly latencyMs: number;
  /** The number of the last call that it was given, which rises with each; 0 before the first. */
  readonly lastCall: number;
}

/**
 * Chooses who takes the next call, of those that can: there are at least two. It is asked for every call, so
 * it should not look at all of them.
 */
export type Balancer = <Worker extends BalancedWorker>(candidates: readonly Worker[]) => Worker;

/** Every worker in turn. */
export function roundRobin(): Balancer {
  let turn = 0;
  return (candidates) => {
    turn = turn + 1 < candidates.length ? turn + 1 : 0;
    return candidates[turn]!;
  };
}

/** Differences in latency below this are noise, in milliseconds. */
export const NOISE_MS = 2;

/**
 * Latencies that differ by less than this factor are alike. The average of ten exponentially distributed times
 * differs from the mean by 23 % (standard deviation), so two such averages by a factor of up to 2 now and then; workers
 * that are taken for faster than they are get more calls than others, in 20 s 1.31 times the mean instead of 1.17.
 */
const ALIKE = 2;

/** A worker is taken for at most so many times as slow as another one: routines differ, too. */
const MAX_SLOWNESS = 8;

/**
 * Whether one worker has less to do than another: calls in flight, weighted by recent latency. Of two idle ones it is
 * the one that has waited longer for a call: where each dispatcher has few calls for each worker, as in a large fleet,
 * most choices are between two idle ones, and left to chance the busiest of 10,000 got 1.31 times the mean in 20 s.
 */
export function hasLess(
  inFlight: number,
  latencyMs: number,
  lastCall: number,
  othersInFlight: number,
  othersLatencyMs: number,
  othersLastCall: number,
): boolean {
  const slowness = Math.max(othersLatencyMs, NOISE_MS) / Math.max(latencyMs, NOISE_MS);
  // Averages of the same routine differ by so much without a cause.
  if (slowness < ALIKE && slowness > 1 / ALIKE) {
    // Of two that hold a call each, the one that was given it earlier may have stalled.
    return inFlight === othersInFlight
      ? inFlight === 0 && lastCall < othersLastCall
      : inFlight < othersInFlight;
  }
  const bounded = Math.min(Math.max(slowness, 1 / MAX_SLOWNESS), MAX_SLOWNESS);
  return inFlight + 1 < (othersInFlight + 1) * bounded;
}

/**
 * Of two that are chosen at random, the one with less to do: calls in flight, weighted by recent latency.
 * The cost of a choice does not depend on how many there are.
 *
 * @param random A number in [0, 1).
 */
export function powerOfTwo(random: () => number = Math.random): Balancer {
  return (candidates) => {
    const { length } = candidates;
    const first = Math.floor(random() * length);
    // Another one than the first, each as likely.
    const second = (first + 1 + Math.floor(random() * (length - 1))) % length;
    const [one, other] = [candidates[first]!, candidates[second]!];
    const less = hasLess(
      other.inFlight,
      other.latencyMs,
      other.lastCall,
      one.inFlight,
      one.latencyMs,
      one.lastCall,
    );
    return less ? other : one;
  };
}
