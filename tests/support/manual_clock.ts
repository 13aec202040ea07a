import { type Clock, systemClock, type TimerOptions } from "../../src/observe/mod.ts";

interface Timer {
  due: number;
  readonly callback: () => void;
}

/** A clock that stands until it is turned. */
export class ManualClock implements Clock {
  #now: number;
  #setBackMs = 0;
  readonly #timers = new Set<Timer>();

  /** Stands at `now`, in milliseconds since the epoch. */
  constructor(now: number = Date.UTC(2030, 0, 1)) {
    this.#now = now;
  }

  now(): number {
    return this.#now - this.#setBackMs;
  }

  steady(): number {
    return this.#now;
  }

  /** Sets the time of day back; timers and the steady time do not notice. */
  setBack(ms: number): void {
    this.#setBackMs += ms;
  }

  /** How many timers have not fired. */
  get pending(): number {
    return this.#timers.size;
  }

  /** The delay until each timer that has not fired, shortest first. */
  get delays(): readonly number[] {
    return [...this.#timers].map(({ due }) => due - this.#now).sort((a, b) => a - b);
  }

  schedule(callback: () => void, delayMs: number): Disposable {
    const timer = { due: this.#now + Math.max(delayMs, 0), callback };
    this.#timers.add(timer);
    return { [Symbol.dispose]: () => void this.#timers.delete(timer) };
  }

  /** Advances the clock and fires the timers that fall due on the way, in order. */
  advance(ms: number): void {
    const end = this.#now + ms;
    while (this.#fireNextBy(end));
    this.#now = end;
  }

  /** Like `advance`, and after each timer lets everything run that has become ready. */
  async advanceInTurns(ms: number): Promise<void> {
    const end = this.#now + ms;
    while (this.#fireNextBy(end)) await turn();
    this.#now = end;
    await turn();
  }

  /** Jumps on, as for a process that was suspended: timers that fell due meanwhile fire late, at the end of it. */
  leap(ms: number): void {
    this.#now += ms;
    for (const timer of [...this.#timers].filter(({ due }) => due <= this.#now)) {
      this.#timers.delete(timer);
      timer.callback();
    }
  }

  /** Jumps on, as for a machine that was suspended: what timers still had to wait they have to wait afterwards. */
  suspend(ms: number): void {
    this.#now += ms;
    for (const timer of this.#timers) timer.due += ms;
  }

  #fireNextBy(end: number): boolean {
    const next = this.#nextBy(end);
    if (next === undefined) return false;
    this.#timers.delete(next);
    this.#now = Math.max(this.#now, next.due);
    next.callback();
    return true;
  }

  #nextBy(end: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.due <= end && (next === undefined || timer.due < next.due)) next = timer;
    }
    return next;
  }
}

/** Lets everything run that is ready. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** A clock that shows the machine's time, moved on by hand; its timers are the machine's own. */
export class MovedClock implements Clock {
  #aheadMs = 0;

  now(): number {
    return systemClock.now() + this.#aheadMs;
  }

  steady(): number {
    return systemClock.steady() + this.#aheadMs;
  }

  schedule(callback: () => void, delayMs: number, options?: TimerOptions): Disposable {
    return systemClock.schedule(callback, delayMs, options);
  }

  /** Moves the time on; no timer fires for it. */
  advance(ms: number): void {
    this.#aheadMs += ms;
  }
}
