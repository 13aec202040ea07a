/** How fast the average forgets, in milliseconds. */
const FORGETS_MS = 5_000;

/** Calls that fail in a row before a worker is ejected. */
const FAILURES = 5;

/** How long a worker is ejected: each time in a row so much longer, up to the longest. */
const EJECTED_MS = 2_000;
const LONGEST_EJECTION_MS = 30_000;

/** How long a worker that had no room is left alone, in milliseconds. */
const NO_ROOM_MS = 50;

/** How a worker has done with a dispatcher's calls: what balancing goes by. */
export class TrackRecord {
  #latencyMs = 0;
  #at = 0;
  #failures = 0;
  #ejections = 0;
  #ejectedUntil = 0;

  /** Until when it gets no calls while others can take them; 0 where it was never ejected. */
  get ejectedUntil(): number {
    return this.#ejectedUntil;
  }

  /** The average latency; it fades where there are no answers, so that the worker is tried again. */
  latencyMs(now: number): number {
    return this.#latencyMs * this.#fade(now);
  }

  /** A call was answered, with a result or an error of its own. */
  answered(tookMs: number, now: number): void {
    const weight = this.#latencyMs === 0 ? 0 : Math.min(this.#fade(now), 0.9);
    this.#latencyMs = this.#latencyMs * weight + tookMs * (1 - weight);
    this.#at = now;
    this.#failures = 0;
    if (now > this.#ejectedUntil + LONGEST_EJECTION_MS) this.#ejections = 0;
  }

  /** A call was not answered: its connection was lost, or its time was over. @returns whether that ejects it. */
  failed(now: number): boolean {
    if (++this.#failures < FAILURES || now < this.#ejectedUntil) return false;
    this.#failures = 0;
    const lastsMs = Math.min(EJECTED_MS * 2 ** this.#ejections++, LONGEST_EJECTION_MS);
    this.#ejectedUntil = now + lastsMs;
    return true;
  }

  /** A call was refused for want of room. */
  hadNoRoom(now: number): void {
    this.#ejectedUntil = Math.max(this.#ejectedUntil, now + NO_ROOM_MS);
  }

  #fade(now: number): number {
    return Math.exp(-Math.max(0, now - this.#at) / FORGETS_MS);
  }
}
