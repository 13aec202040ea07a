import type { Clock } from "../../observe/mod.ts";

/** How long a worker cannot be connected until it counts as unreachable, in milliseconds. */
export const UNREACHABLE_MS = 5_000;

/** How long it takes until a worker that is back counts as reachable, in milliseconds: others may be back with it. */
const BACK_MS = 1_000;

/** The workers of a source that are listed and have not been connectable for {@linkcode UNREACHABLE_MS}. */
export class UnreachableWorkers implements Disposable {
  readonly #clock: Clock;
  readonly #onChange: () => void;
  /** Since when those fail that are not unreachable yet, the longest first. */
  readonly #failing = new Map<string, number>();
  readonly #unreachable = new Set<string>();
  #changed = false;
  #due = Infinity;
  #timer: Disposable | undefined;

  /** @param onChange Called when workers have become unreachable or reachable. */
  constructor(clock: Clock, onChange: () => void) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** Whether a worker is unreachable. */
  has(address: string): boolean {
    return this.#unreachable.has(address);
  }

  /** The last attempt to connect a worker has failed. */
  failed(address: string): void {
    if (this.#failing.has(address) || this.#unreachable.has(address)) return;
    this.#failing.set(address, this.#clock.steady());
    this.#check(UNREACHABLE_MS);
  }

  /** A worker has been connected, or is not listed any more. */
  forget(address: string): void {
    this.#failing.delete(address);
    if (!this.#unreachable.delete(address)) return;
    this.#changed = true;
    this.#check(BACK_MS);
  }

  /** Reports nothing any more. */
  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#due = -Infinity;
  }

  #check(delayMs: number): void {
    const due = this.#clock.steady() + delayMs;
    if (due >= this.#due) return;
    this.#timer?.[Symbol.dispose]();
    this.#due = due;
    this.#timer = this.#clock.schedule(() => this.#settle(), delayMs, { background: true });
  }

  #settle(): void {
    const now = this.#clock.steady();
    this.#due = Infinity;
    for (const [address, since] of this.#failing) {
      const leftMs = since + UNREACHABLE_MS - now;
      if (leftMs > 0) {
        this.#check(leftMs);
        break;
      }
      this.#failing.delete(address);
      this.#unreachable.add(address);
      this.#changed = true;
    }
    if (!this.#changed) return;
    this.#changed = false;
    this.#onChange();
  }
}
