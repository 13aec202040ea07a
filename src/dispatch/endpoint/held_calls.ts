import type { HeldCall } from "../../observe/mod.ts";
import { Load } from "./load.ts";

/**
 * A call in its place among the others, for {@linkcode HeldCalls.remove}. Of a class, not a
 * literal: see `calls/begun_call.ts`.
 */
export class HeldPlace {
  readonly call: HeldCall;
  previous: HeldPlace | undefined;
  next: HeldPlace | undefined = undefined;

  /** Behind another, or at the beginning. */
  constructor(call: HeldCall, previous: HeldPlace | undefined) {
    this.call = call;
    this.previous = previous;
  }
}

/**
 * The calls that a worker holds, the longest-running first. A linked list: a `Set` of them cost 0.5 µs
 * a call, a tenth of what a caller spends on it.
 */
export class HeldCalls {
  readonly #load: Load;
  #first: HeldPlace | undefined;
  #last: HeldPlace | undefined;

  /** Begins with none; `load` counts them. */
  constructor(load: Load = new Load()) {
    this.#load = load;
  }

  /** How many there are. */
  get size(): number {
    return this.#load.inFlight;
  }

  /** Adds a call. */
  add(call: HeldCall): HeldPlace {
    const place = new HeldPlace(call, this.#last);
    if (this.#last === undefined) this.#first = place;
    else this.#last.next = place;
    this.#last = place;
    this.#load.give();
    return place;
  }

  /** Removes a call that was added, once. */
  remove(place: HeldPlace): void {
    const { previous, next } = place;
    // A place that is old would keep the next ones from being collected.
    place.previous = place.next = undefined;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    this.#load.inFlight -= 1;
  }

  /** The first of them, at most that many. */
  first(most: number): readonly HeldCall[] {
    const calls: HeldCall[] = [];
    for (let at = this.#first; at !== undefined && calls.length < most; at = at.next) {
      calls.push(at.call);
    }
    return calls;
  }
}
