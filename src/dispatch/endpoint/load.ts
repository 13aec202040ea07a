/** How many numbers a row of a {@linkcode LoadTable} has. */
export const LOAD_ROW = 5;
/** Where in its row each of them stands. */
export const IN_FLIGHT = 0;
export const LATENCY_MS = 1;
export const ANSWERED_AT = 2;
export const EJECTED_UNTIL = 3;
export const LAST_CALL = 4;

/** How fast the average latency forgets, in milliseconds. */
const FORGETS_MS = 5_000;

/** Calls that were given to workers, over all dispatchers of the process: only the order of two counts. */
let given = 0;

/** What is left of an average latency without answers: from 1 down to 0. */
export function fadeOf(answeredAt: number, now: number): number {
  return Math.exp(-Math.max(0, now - answeredAt) / FORGETS_MS);
}

/**
 * What balancing goes by of one worker. While the worker takes calls the numbers are in a row of the
 * fleet's {@linkcode LoadTable}, else in a row of its own.
 */
export class Load {
  #values: Float64Array = new Float64Array(LOAD_ROW);
  #place = -1;

  /** The worker's place in its table; -1 where it is in none. */
  get place(): number {
    return this.#place;
  }

  /** How many calls the worker holds. */
  get inFlight(): number {
    return this.#values[this.#at(IN_FLIGHT)]!;
  }

  set inFlight(count: number) {
    this.#values[this.#at(IN_FLIGHT)] = count;
  }

  /** The number of the last call that the worker was given, which rises with each; 0 before the first. */
  get lastCall(): number {
    return this.#values[this.#at(LAST_CALL)]!;
  }

  /** The worker is given a call. */
  give(): void {
    const row = this.#at(0);
    this.#values[row + IN_FLIGHT]! += 1;
    this.#values[row + LAST_CALL] = ++given;
  }

  /** The average latency at the last answer, in milliseconds. */
  get latencyMs(): number {
    return this.#values[this.#at(LATENCY_MS)]!;
  }

  set latencyMs(ms: number) {
    this.#values[this.#at(LATENCY_MS)] = ms;
  }

  /** When the last answer came, in milliseconds since the epoch. */
  get answeredAt(): number {
    return this.#values[this.#at(ANSWERED_AT)]!;
  }

  set answeredAt(now: number) {
    this.#values[this.#at(ANSWERED_AT)] = now;
  }

  /** Until when others are chosen, in milliseconds since the epoch; 0 where it was never ejected. */
  get ejectedUntil(): number {
    return this.#values[this.#at(EJECTED_UNTIL)]!;
  }

  set ejectedUntil(until: number) {
    this.#values[this.#at(EJECTED_UNTIL)] = until;
  }

  /** Moves the numbers to a row of a table, or, without one, back to a row of its own. */
  moveTo(values: Float64Array = new Float64Array(LOAD_ROW), place: number = -1): void {
    const from = this.#at(0);
    const to = Math.max(place, 0) * LOAD_ROW;
    for (let n = 0; n < LOAD_ROW; n++) values[to + n] = this.#values[from + n]!;
    this.#values = values;
    this.#place = place;
  }

  #at(column: number): number {
    return this.#place < 0 ? column : this.#place * LOAD_ROW + column;
  }
}

/**
 * The loads of the workers that take calls, one after the other in one array. A choice reads two rows:
 * among 10,000 workers it reached ten objects in far memory before, and cost 3.6 times as much as among 10.
 */
export class LoadTable {
  readonly #loads: Load[] = [];
  #values: Float64Array = new Float64Array(16 * LOAD_ROW);

  /** The rows, by place. Another array once the table has grown. */
  get values(): Float64Array {
    return this.#values;
  }

  /** Adds a load at the end. */
  add(load: Load): void {
    const place = this.#loads.push(load) - 1;
    if (this.#loads.length * LOAD_ROW > this.#values.length) this.#grow();
    load.moveTo(this.#values, place);
  }

  /** Removes a load; the last one takes its place. */
  remove(load: Load): void {
    const { place } = load;
    const last = this.#loads.pop();
    load.moveTo();
    if (last === undefined || last === load) return;
    this.#loads[place] = last;
    last.moveTo(this.#values, place);
  }

  #grow(): void {
    const values = new Float64Array(this.#values.length * 2);
    values.set(this.#values);
    this.#values = values;
    for (const load of this.#loads) if (load.place >= 0) load.moveTo(values, load.place);
  }
}
