import { setImmediate, setTimeout } from "node:timers";

/** Verdicts in steps, each of which takes a millisecond or so. */
export type Steps<T> = Generator<void, T>;

interface Waiting {
  /** Whether the answer is still of use to anyone. */
  readonly wanted: () => boolean;
  /** Takes one step; `true` where it was the last. */
  step(): boolean;
}

/**
 * Takes verdicts in steps, one step a turn of the event loop, so that calls go on while strangers are judged. The
 * verdict that has taken the fewest steps is next: an ordinary one takes two or three, and waits for no step of the
 * costly ones beyond those.
 */
export class VerdictTurns {
  /** The verdicts under way by the steps they have taken, in order of arrival. */
  readonly #bySteps: Waiting[][] = [];
  #scheduled = false;
  /** What the loop is owed, in milliseconds: as long as verdicts took while others waited. */
  #owedMs = 0;

  /** How many verdicts are under way. */
  get size(): number {
    return this.#bySteps.reduce((sum, { length }) => sum + length, 0);
  }

  /**
   * Resolves with the result once the last step is taken, or never where it is not wanted any more.
   *
   * @param wanted Asked before each step. Default: always.
   */
  take<T>(steps: Steps<T>, wanted: () => boolean = () => true): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#await(0, {
      wanted,
      step: () => {
        try {
          const step = steps.next();
          if (step.done) resolve(step.value);
          return step.done === true;
        } catch (error) {
          reject(error);
          return true;
        }
      },
    });
    if (!this.#scheduled) this.#schedule();
    return promise;
  }

  #turn(): void {
    this.#scheduled = false;
    const begun = performance.now();
    for (const [steps, waiting] of this.#bySteps.entries()) {
      let next = waiting.shift();
      while (next !== undefined && !next.wanted()) next = waiting.shift();
      if (next === undefined) continue;
      if (!next.step()) this.#await(steps + 1, next);
      break;
    }
    if (this.size === 0) {
      this.#owedMs = 0;
      return;
    }
    // Where others wait, the loop gets as much time as verdicts do.
    this.#owedMs += performance.now() - begun;
    this.#schedule();
  }

  #await(steps: number, waiting: Waiting): void {
    (this.#bySteps[steps] ??= []).push(waiting);
  }

  #schedule(): void {
    this.#scheduled = true;
    if (this.#owedMs < 1) {
      setImmediate(() => this.#turn());
      return;
    }
    setTimeout(() => this.#turn(), Math.floor(this.#owedMs));
    this.#owedMs = 0;
  }
}

/** Those of this process: what is shared is its event loop. */
export const verdictTurns: VerdictTurns = new VerdictTurns();
