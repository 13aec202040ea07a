import type { Clock } from "../../src/observe/mod.ts";

/** Times are multiples of this, in milliseconds, so that much happens in one turn. */
const TICK_MS = 0.25;

interface Timer {
  readonly due: number;
  /** Of two that are due at once the one made first comes first. */
  readonly order: number;
  callback: (() => void) | undefined;
}

/** A clock that jumps from one timer to the next. */
export class VirtualClock implements Clock, Disposable {
  #now = Date.UTC(2030, 0, 1);
  #made = 0;
  readonly #timers: Timer[] = [];
  readonly #machine = performance.now;

  /** From now until it is disposed of, `performance.now()` gives its time too: calls are timed by that. */
  constructor() {
    performance.now = () => this.#now;
  }

  now(): number {
    return this.#now;
  }

  steady(): number {
    return this.#now;
  }

  /** The machine's time, for what is measured and not simulated. */
  machineMs(): number {
    return this.#machine.call(performance);
  }

  schedule(callback: () => void, delayMs: number): Disposable {
    const ticks = Math.ceil((this.#now + Math.max(delayMs, 0)) / TICK_MS);
    const timer: Timer = { due: ticks * TICK_MS, order: this.#made++, callback };
    this.#push(timer);
    return { [Symbol.dispose]: () => timer.callback = undefined };
  }

  /** Fires every timer that falls due within `ms`; between two times everything runs that is ready. */
  async run(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (let next = this.#timers[0]; next !== undefined && next.due <= end;) {
      if (next.due > this.#now) await settle();
      this.#now = Math.max(this.#now, next.due);
      this.#pop();
      next.callback?.();
      next = this.#timers[0];
      if (next === undefined || next.due > this.#now) {
        await settle();
        next = this.#timers[0];
      }
    }
    this.#now = end;
    await settle();
  }

  [Symbol.dispose](): void {
    performance.now = this.#machine;
  }

  #push(timer: Timer): void {
    const heap = this.#timers;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (isBefore(heap[parent]!, timer)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = timer;
  }

  #pop(): void {
    const heap = this.#timers;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (isBefore(last, heap[child]!)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(one: Timer, other: Timer): boolean {
  return one.due < other.due || one.due === other.due && one.order < other.order;
}

/** Lets every promise run that is ready. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
