import { AsyncLocalStorage } from "node:async_hooks";
import { keepProcess, letProcessEnd } from "./timers.ts";

/** Something that has a deadline. */
export interface Expiring {
  /** The deadline has passed. Called at most once for each `expireAfter`. */
  expired(): void;
}

/**
 * Calls `expiring.expired()` when `timeoutMs` have passed, never before, and up to 1/64 of the time late.
 *
 * Calls share a timer where their deadlines fall together, also those that one caller makes one after the other: a
 * `setTimeout` and `clearTimeout` of its own costs each call 1.8 µs, this 0.3. A timer that no deadline is left for is
 * kept until its time, or {@linkcode closeUnusedTimers}, and lets the process end meanwhile. `expired` is called outside
 * of every call: what made the timer is one of many that share it.
 *
 * @param now the time, by `performance.now()`, where it was just read: reading it takes 0.08 µs.
 * @param background whether the process may end although the time has not come. Default false.
 */
export function expireAfter(
  timeoutMs: number,
  expiring: Expiring,
  now: number = performance.now(),
  background = false,
): Deadline {
  const at = quantise(now + Math.min(timeoutMs, LONGEST_MS), timeoutMs);
  const slots = background ? inBackground : waited;
  return new Deadline(slots.get(at) ?? slots.open(at, now), expiring);
}

/** The longest delay of the platform's timers; deadlines beyond it, 24 days, expire then. */
const LONGEST_MS = 2 ** 31 - 1;

/** Rounds up to a power of two of about 1/64 of the time, at least a millisecond. */
function quantise(at: number, timeoutMs: number): number {
  const step = timeoutMs < 128 ? 1 : 2 ** (26 - Math.clz32(Math.min(timeoutMs, LONGEST_MS)) - 1);
  return Math.ceil(at / step) * step;
}

/** So many timers are kept, in use or not, before those that are not are closed. */
const KEPT_SLOTS = 256;

/** Timers are made where no call runs: with them the platform keeps what was in force. */
const outsideOfCalls = AsyncLocalStorage.snapshot();

/** The timers of deadlines of one kind, by their times. */
class Slots {
  readonly #holdsProcess: boolean;
  readonly #byTime = new Map<number, Slot>();
  /** Next time where most are in use, not with each new one. */
  #closeFrom = KEPT_SLOTS;

  /** Of deadlines for which the process does not end, or does. */
  constructor(holdsProcess: boolean) {
    this.#holdsProcess = holdsProcess;
  }

  get(at: number): Slot | undefined {
    return this.#byTime.get(at);
  }

  open(at: number, now: number): Slot {
    if (this.#byTime.size >= this.#closeFrom) {
      this.closeUnused();
      this.#closeFrom = Math.max(KEPT_SLOTS, 2 * this.#byTime.size);
    }
    const slot = new Slot(this, this.#holdsProcess, at, now);
    this.#byTime.set(at, slot);
    return slot;
  }

  closeUnused(): void {
    for (const slot of this.#byTime.values()) if (slot.isEmpty) slot.close();
  }

  forget(at: number): void {
    this.#byTime.delete(at);
  }
}

const waited = new Slots(true);
const inBackground = new Slots(false);

/** Closes the timers that no deadline is left for; the next deadline makes its own. */
export function closeUnusedTimers(): void {
  waited.closeUnused();
  inBackground.closeUnused();
}

/** What falls due at one time: a ring of deadlines that begins and ends here. */
class Slot {
  next: Link = this;
  previous: Link = this;
  readonly #slots: Slots;
  readonly #holdsProcess: boolean;
  readonly #at: number;
  #timer: ReturnType<typeof setTimeout>;

  constructor(slots: Slots, holdsProcess: boolean, at: number, now: number) {
    this.#slots = slots;
    this.#holdsProcess = holdsProcess;
    this.#at = at;
    this.#timer = this.#wait(at - now);
    if (!holdsProcess) letProcessEnd(this.#timer);
  }

  get isEmpty(): boolean {
    return this.next === this;
  }

  /** A first deadline is to be waited for. */
  taken(): void {
    if (this.#holdsProcess) keepProcess(this.#timer);
  }

  /** No deadline is left. */
  left(): void {
    letProcessEnd(this.#timer);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#slots.forget(this.#at);
  }

  /** A timer that is longer than the platform's fires at once: what is left when it fires is waited for, too. */
  #wait(ms: number): ReturnType<typeof setTimeout> {
    const delayMs = Math.min(Math.ceil(ms), LONGEST_MS);
    return outsideOfCalls(() => setTimeout(() => this.#expire(), delayMs));
  }

  #expire(): void {
    const leftMs = this.#at - performance.now();
    if (leftMs > 0 && !this.isEmpty) {
      this.#timer = this.#wait(leftMs);
      if (!this.#holdsProcess) letProcessEnd(this.#timer);
      return;
    }
    this.#slots.forget(this.#at);
    try {
      while (this.next instanceof Deadline) this.next.expire();
    } finally {
      // One that throws, which ends the process unless the program forbids it, does not keep the others waiting.
      if (!this.isEmpty) setTimeout(() => this.#expire(), 0);
    }
  }
}

/**
 * A deadline that was set. A link of a ring and not a member of a `Set`: the tables that a busy `Set`
 * outgrows keep what they held until the next full collection, which halves the calls a second.
 */
export class Deadline implements Disposable {
  /** Its neighbours in the slot's ring; none once it has passed or was cancelled. */
  next: Link | undefined;
  /** See `next`. */
  previous: Link | undefined;
  readonly #slot: Slot;
  readonly #expiring: Expiring;

  /** Joins the end of a slot's ring. */
  constructor(slot: Slot, expiring: Expiring) {
    if (slot.isEmpty) slot.taken();
    this.#slot = slot;
    this.#expiring = expiring;
    this.next = slot;
    this.previous = slot.previous;
    slot.previous.next = this;
    slot.previous = this;
  }

  /** Takes the deadline back. */
  cancel(): void {
    if (this.#leave() && this.#slot.isEmpty) this.#slot.left();
  }

  /** As `cancel`. */
  [Symbol.dispose](): void {
    this.cancel();
  }

  /** The time has come. */
  expire(): void {
    if (this.#leave()) this.#expiring.expired();
  }

  #leave(): boolean {
    const { next, previous } = this;
    if (next === undefined || previous === undefined) return false;
    previous.next = next;
    next.previous = previous;
    this.next = this.previous = undefined;
    return true;
  }
}

type Link = Slot | Deadline;
