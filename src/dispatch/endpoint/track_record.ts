import { fadeOf, Load } from "./load.ts";

/** Calls that fail in a row before a worker is ejected. */
const FAILURES = 5;

/** How long a worker is ejected: each time in a row so much longer, up to the longest. */
const EJECTED_MS = 2_000;
const LONGEST_EJECTION_MS = 30_000;

/** How far an ejection may lie off that, so that dispatchers that ejected a worker together do not come back together. */
const EJECTION_SPREAD = 0.25;

/**
 * What the average latency of a worker that is ejected is at least, in milliseconds. While the first call after
 * the ejection is not answered, that keeps others away.
 */
const SUSPECT_MS = 1_000;

/** How long a worker that had no room is left alone, in milliseconds. */
const NO_ROOM_MS = 50;

/** How a worker has done with a dispatcher's calls: what balancing goes by. */
export class TrackRecord {
  readonly #load: Load;
  #failures = 0;
  #ejections = 0;
  /** Whether it has answered since it was ejected. */
  #answered = false;

  /** Kept in `load`, as far as each choice reads it. */
  constructor(load: Load = new Load()) {
    this.#load = load;
  }

  /** Until when it gets no calls while others can take them; 0 where it was never ejected. */
  get ejectedUntil(): number {
    return this.#load.ejectedUntil;
  }

  /**
   * The average latency; it fades while there are no calls, so that the worker is tried again. While there
   * are, no answer is no good sign.
   */
  latencyMs(now: number): number {
    const { inFlight, latencyMs } = this.#load;
    return inFlight > 0 ? latencyMs : latencyMs * this.#fade(now);
  }

  /** A call was answered, with a result or an error of its own. */
  answered(tookMs: number, now: number): void {
    const load = this.#load;
    const weight = load.latencyMs === 0 ? 0 : Math.min(this.#fade(now), 0.9);
    load.latencyMs = load.latencyMs * weight + tookMs * (1 - weight);
    load.answeredAt = now;
    this.#answered = true;
    this.#failures = 0;
    if (now > load.ejectedUntil + LONGEST_EJECTION_MS) this.#ejections = 0;
  }

  /**
   * A call was not answered: its connection was lost, or its time was over.
   *
   * @param random a number in [0, 1).
   * @returns whether that ejects it.
   */
  failed(now: number, random: number): boolean {
    // One that was ejected and has answered nothing since gets no second chance before the next ejection.
    const limit = this.#ejections > 0 && !this.#answered ? 1 : FAILURES;
    if (++this.#failures < limit || now < this.#load.ejectedUntil) return false;
    this.#failures = 0;
    this.#answered = false;
    const meanMs = Math.min(EJECTED_MS * 2 ** this.#ejections++, LONGEST_EJECTION_MS);
    const lastsMs = meanMs * (1 + EJECTION_SPREAD * (2 * random - 1));
    this.#load.ejectedUntil = now + lastsMs;
    this.#load.latencyMs = Math.max(this.#load.latencyMs, SUSPECT_MS);
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
