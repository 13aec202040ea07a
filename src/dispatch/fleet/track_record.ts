import { fadeOf, Load } from "./load.ts";

/** Calls that fail in a row before a worker is ejected. */
const FAILURES = 5;

/** How long a worker is ejected: each time in a row so much longer, up to the longest. */
const EJECTED_MS = 2_000;
const LONGEST_EJECTION_MS = 30_000;

/** How long a worker that had no room is left alone, in milliseconds. */
const NO_ROOM_MS = 50;

/** How a worker has done with a dispatcher's calls: what balancing goes by. */
export class TrackRecord {
  readonly #load: Load;
  #failures = 0;
  #ejections = 0;

  /** Kept in `load`, as far as each choice reads it. */
  constructor(load: Load = new Load()) {
    this.#load = load;
  }

  /** Until when it gets no calls while others can take them; 0 where it was never ejected. */
  get ejectedUntil(): number {
    return this.#load.ejectedUntil;
  }

  /** The average latency; it fades where there are no answers, so that the worker is tried again. */
  latencyMs(now: number): number {
    return this.#load.latencyMs * this.#fade(now);
  }

  /** A call was answered, with a result or an error of its own. */
  answered(tookMs: number, now: number): void {
    const load = this.#load;
    const weight = load.latencyMs === 0 ? 0 : Math.min(this.#fade(now), 0.9);
    load.latencyMs = load.latencyMs * weight + tookMs * (1 - weight);
    load.answeredAt = now;
    this.#failures = 0;
    if (now > load.ejectedUntil + LONGEST_EJECTION_MS) this.#ejections = 0;
  }

  /** A call was not answered: its connection was lost, or its time was over. @returns whether that ejects it. */
  failed(now: number): boolean {
    if (++this.#failures < FAILURES || now < this.#load.ejectedUntil) return false;
    this.#failures = 0;
    const lastsMs = Math.min(EJECTED_MS * 2 ** this.#ejections++, LONGEST_EJECTION_MS);
    this.#load.ejectedUntil = now + lastsMs;
    return true;
  }

  /** A call was refused for want of room. */
  hadNoRoom(now: number): void {
    this.#load.ejectedUntil = Math.max(this.#load.ejectedUntil, now + NO_ROOM_MS);
  }

  #fade(now: number): number {
    return fadeOf(this.#load.answeredAt, now);
  }
}
