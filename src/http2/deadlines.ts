import { expireAfter } from "../platform/mod.ts";

/** Calls back once after a delay, and returns what takes that back. */
export type Schedule = (callback: () => void, delayMs: number) => () => void;

/** What a connection waits for. */
export type DeadlineName =
  | "preface"
  | "settings-ack"
  | "headers"
  | "keepalive"
  | "pong"
  | "stall"
  | "shutdown"
  | "gone"
  | "close";

/** All deadlines of a connection on one timer, which is armed for the earliest. */
export class Deadlines {
  readonly #clock: () => number;
  readonly #schedule: Schedule;
  readonly #due: Map<DeadlineName, { readonly at: number; readonly passed: () => void }> =
    new Map();
  #armedFor = Infinity;
  #disarm: (() => void) | undefined;

  constructor(clock: () => number, schedule: Schedule) {
    this.#clock = clock;
    this.#schedule = schedule;
  }

  /** Calls `passed` after `delayMs`, unless cleared or set anew before; a delay of 0 is no deadline. */
  set(name: DeadlineName, delayMs: number, passed: () => void): void {
    if (delayMs <= 0) return;
    const at = this.#clock() + delayMs;
    this.#due.set(name, { at, passed });
    if (at < this.#armedFor) this.#arm(at, delayMs);
  }

  /** Takes a deadline back. The timer may fire once for nothing. */
  clear(name: DeadlineName): void {
    this.#due.delete(name);
  }

  /** Whether the deadline is set. */
  has(name: DeadlineName): boolean {
    return this.#due.has(name);
  }

  /** Takes all deadlines back, and the timer with them. */
  clearAll(): void {
    this.#due.clear();
    this.#disarm?.();
    this.#armedFor = Infinity;
  }

  #arm(at: number, delayMs: number): void {
    this.#disarm?.();
    this.#armedFor = at;
    this.#disarm = this.#schedule(() => this.#fire(), delayMs);
  }

  #fire(): void {
    this.#armedFor = Infinity;
    const now = this.#clock();
    for (const [name, { at, passed }] of [...this.#due]) {
      if (at > now || this.#due.get(name)?.at !== at) continue;
      this.#due.delete(name);
      passed();
    }
    let earliest = Infinity;
    for (const { at } of this.#due.values()) earliest = Math.min(earliest, at);
    if (earliest < this.#armedFor) this.#arm(earliest, Math.max(1, Math.ceil(earliest - now)));
  }
}

/** A timer that does not keep the process alive: up to 1/64 of the time late. */
export function scheduleOnTimer(callback: () => void, delayMs: number): () => void {
  const deadline = expireAfter(delayMs, { expired: callback }, performance.now(), true);
  return () => deadline.cancel();
}
