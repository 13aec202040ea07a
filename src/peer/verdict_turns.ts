import { setImmediate, setTimeout } from "node:timers";
import type { Check, Steps } from "../identity/mod.ts";

interface Waiting {
  /** How many steps it has taken. */
  taken: number;
  /** Whether the answer is still of use to anyone. */
  readonly wanted: () => boolean;
  /** Makes the check that the next step begins with. */
  check(): boolean | Promise<boolean>;
  /** Takes the next step; `true` where it was the last. */
  step(outcome: boolean): boolean;
}

/**
 * Takes verdicts in steps, one step a turn of the event loop, so that calls go on while strangers are judged; a check
 * made beside the loop is the only one. The verdict that has taken the fewest steps is next: an ordinary one takes two
 * or three, and waits for no step of the costly ones beyond those.
 */
export class VerdictTurns {
  /** The verdicts under way by the steps they have taken, in order of arrival. */
  readonly #bySteps: Waiting[][] = [];
  #scheduled = false;
  /** What the loop is owed, in milliseconds: as long as verdicts took of it while others waited. */
  #owedMs = 0;

  /** How many verdicts wait for their next step. */
  get size(): number {
    return this.#bySteps.reduce((sum, { length }) => sum + length, 0);
  }

  /**
   * Resolves with the result once the last step is taken, or never where it is not `wanted` any more, which is asked
   * before each step.
   */
  take<T>(steps: Steps<T>, wanted: () => boolean = () => true): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    let check: Check | undefined;
    this.#await({
      taken: 0,
      wanted,
      check: () => {
        try {
          return check === undefined || check.soon();
        } catch {
          return false;
        }
      },
      step: (outcome) => {
        try {
          const step = steps.next(outcome);
          if (step.done) resolve(step.value);
          else check = step.value;
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
    const begun = performance.now();
    const next = this.#next();
    if (next === undefined) {
      this.#rest();
      return;
    }
    const outcome = next.check();
    if (typeof outcome === "boolean") this.#step(next, outcome, begun);
    else {
      const step = (holds: boolean) => this.#step(next, holds, performance.now());
      outcome.then(step, () => step(false));
    }
  }

  /** Takes the next step of a verdict, and schedules the next turn. */
  #step(next: Waiting, outcome: boolean, begun: number): void {
    if (next.wanted() && !next.step(outcome)) {
      next.taken += 1;
      this.#await(next);
    }
    if (this.size === 0) {
      this.#rest();
      return;
    }
    // Where others wait, the loop gets as much time as verdicts do.
    this.#owedMs += performance.now() - begun;
    this.#schedule();
  }

  /** The first of those that have taken the fewest steps; whom nobody waits for any more is dropped. */
  #next(): Waiting | undefined {
    for (const waiting of this.#bySteps) {
      let next = waiting.shift();
      while (next !== undefined && !next.wanted()) next = waiting.shift();
      if (next !== undefined) return next;
    }
    return undefined;
  }

  #await(waiting: Waiting): void {
    (this.#bySteps[waiting.taken] ??= []).push(waiting);
  }

  #rest(): void {
    this.#scheduled = false;
    this.#owedMs = 0;
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
