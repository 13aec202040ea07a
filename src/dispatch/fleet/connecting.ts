import type { Endpoint } from "../endpoint/endpoint.ts";

/**
 * So many workers that have failed are dialled again at once because calls need one, whatever their backoff. All
 * of them would mean that, while a fleet is down, a dispatcher with 1,000 workers dials 10,000 times a second.
 */
const HASTENED = 16;

/** The workers of a round that failed, once all have; `undefined` once one takes calls. */
type RoundResult = readonly Endpoint[] | undefined;

interface Round {
  readonly members: ReadonlySet<Endpoint>;
  readonly result: Promise<RoundResult>;
}

/**
 * Connects to workers for calls that find none open. Calls that want the same share one round, so that it
 * costs the same however many calls wait.
 */
export class Connecting {
  readonly #random: () => number;
  /** The rounds under way, by what is wanted. */
  readonly #rounds = new Map<string, Round>();

  /** @param random A number in [0, 1). */
  constructor(random: () => number) {
    this.#random = random;
  }

  /**
   * Connects to one of the candidates: in the round that is under way for calls that want these tags, where one
   * of them is part of it, else in a new one.
   */
  join(tags: readonly string[] = [], candidates: readonly Endpoint[]): Promise<RoundResult> {
    const [only] = candidates;
    if (only !== undefined && candidates.length === 1) return this.#begin([only]);
    const key = JSON.stringify(tags);
    const known = this.#rounds.get(key);
    // A round that has none of them would bring this call no further.
    if (known !== undefined) {
      const isPart = candidates.some((endpoint) => known.members.has(endpoint));
      return isPart ? known.result : this.#begin(candidates);
    }
    const round: Round = { members: new Set(candidates), result: this.#begin(candidates) };
    this.#rounds.set(key, round);
    round.result.then(() => this.#rounds.delete(key));
    return round.result;
  }

  /** Dials those that have not failed, and some of those that have; the others' failures stand. */
  #begin(candidates: readonly Endpoint[]): Promise<RoundResult> {
    const dialled: Endpoint[] = [];
    const failing: Endpoint[] = [];
    for (const endpoint of candidates) {
      if (endpoint.state === "failing") failing.push(endpoint);
      else dialled.push(endpoint);
    }
    const hastened = Math.min(HASTENED, failing.length);
    for (let n = 0; n < hastened; n++) {
      const at = n + Math.floor(this.#random() * (failing.length - n));
      dialled.push(failing[at]!);
      failing[at] = failing[n]!;
    }
    return firstOpened(dialled, candidates);
  }
}

/** Connects to all of `dialled` at once. @returns `candidates` once all of them have failed. */
function firstOpened(
  dialled: readonly Endpoint[],
  candidates: readonly Endpoint[],
): Promise<RoundResult> {
  const { promise, resolve } = Promise.withResolvers<RoundResult>();
  let left = dialled.length;
  for (const endpoint of dialled) {
    endpoint.connect().then((opened) => {
      if (opened) resolve(undefined);
      else if (--left === 0) resolve(candidates);
    });
  }
  return promise;
}
