import type { Clock } from "../../observe/mod.ts";
import { type Balancer, hasLess, NOISE_MS } from "./balancer.ts";
import type { Endpoint } from "../endpoint/endpoint.ts";
import type { EndpointIndex } from "./endpoint_index.ts";
import {
  ANSWERED_AT,
  EJECTED_UNTIL,
  fadeOf,
  IN_FLIGHT,
  LAST_CALL,
  LATENCY_MS,
  LOAD_ROW,
} from "../endpoint/load.ts";
import { Suitability, type SuitableEndpoints, type Wanted } from "./suitable_endpoints.ts";

/** What choosing takes. */
export interface SelectionOptions {
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  /** Default: {@linkcode powerOfTwo}, over the dense rows of the loads. */
  readonly balancer?: Balancer | undefined;
}

/** Workers that were asked for one call and did not take it. */
export type Tried = ReadonlyMap<Endpoint, Error>;

/** So often a worker is drawn at random before all are looked through: at most half of them are ejected. */
const DRAWS = 16;

/**
 * Chooses, of the workers that take calls, the one for a call. The cost does not depend on how many there
 * are, except where a balancer of the user's own needs a list: of a part of them, or without those ejected.
 */
export class Selection {
  readonly #index: EndpointIndex;
  readonly #options: SelectionOptions;
  readonly #suitability: Suitability;
  /** When the last ejection is over; 0 where there is none. */
  #ejectedUntil = 0;

  constructor(index: EndpointIndex, options: SelectionOptions) {
    this.#index = index;
    this.#options = options;
    this.#suitability = new Suitability(index);
  }

  /** A worker that serves a routine or method and has not been `tried`, where there is one. */
  choose(wanted: Wanted, tried?: Tried, name?: string): Endpoint | undefined {
    let suitable = this.#suitability.of(wanted, name);
    if (tried?.size === 0) tried = undefined;
    if (suitable.others !== undefined) {
      // The last workers of a version do not have to take the calls of all who prefer it.
      const preferred = this.#pick(suitable, this.#ejectedAt(), tried);
      if (preferred !== undefined) return preferred;
      suitable = suitable.others;
    }
    const avoidAt = this.#ejectedUntil === 0 ? 0 : this.#avoidAt(suitable);
    const picked = this.#pick(suitable, avoidAt, tried);
    return picked === undefined && avoidAt > 0 ? this.#pick(suitable, 0, tried) : picked;
  }

  #pick(
    suitable: SuitableEndpoints,
    avoidAt: number,
    tried: Tried | undefined,
  ): Endpoint | undefined {
    if (suitable.count === 0) return undefined;
    const { balancer } = this.#options;
    if (balancer !== undefined) return this.#listed(suitable, avoidAt, tried, balancer);
    if (avoidAt > 0 || tried !== undefined) return this.#drawn(suitable, avoidAt, tried);
    return this.#index.open[this.#lessLoaded(suitable)];
  }

  /** Others are chosen until the time that the endpoint's record says; `before` says until when they were. */
  eject(endpoint: Endpoint, before: number): void {
    const { ejectedUntil } = endpoint.load;
    this.#ejectedUntil = Math.max(this.#ejectedUntil, ejectedUntil);
    if (before <= this.#options.clock.steady()) this.#suitability.eject(endpoint);
  }

  /** Of two at random, the one with less to do. */
  #lessLoaded(suitable: SuitableEndpoints): number {
    const { random } = this.#options;
    const { count } = suitable;
    const first = Math.floor(random() * count);
    if (count === 1) return suitable.place(0);
    // Another one than the first, each as likely.
    let second = first + 1 + Math.floor(random() * (count - 1));
    if (second >= count) second -= count;
    return this.#lesserOf(suitable.place(first), suitable.place(second));
  }

  #lesserOf(one: number, other: number): number {
    const { loads } = this.#index;
    const first = one * LOAD_ROW;
    const second = other * LOAD_ROW;
    const inFlight = loads[first + IN_FLIGHT]!;
    const othersInFlight = loads[second + IN_FLIGHT]!;
    let latencyMs = loads[first + LATENCY_MS]!;
    let othersMs = loads[second + LATENCY_MS]!;
    // As `TrackRecord.latencyMs()` has it; below the noise that makes no difference.
    if (latencyMs > NOISE_MS || othersMs > NOISE_MS) {
      const now = this.#options.clock.steady();
      if (inFlight === 0) latencyMs *= fadeOf(loads[first + ANSWERED_AT]!, now);
      if (othersInFlight === 0) othersMs *= fadeOf(loads[second + ANSWERED_AT]!, now);
    }
    const less = hasLess(
      othersInFlight,
      othersMs,
      loads[second + LAST_CALL]!,
      inFlight,
      latencyMs,
      loads[first + LAST_CALL]!,
    );
    return less ? other : one;
  }

  /** The same, of those that are not avoided and were not tried. */
  #drawn(
    suitable: SuitableEndpoints,
    avoidAt: number,
    tried: Tried | undefined,
  ): Endpoint | undefined {
    const one = this.#draw(suitable, avoidAt, tried, -1);
    if (one < 0) return undefined;
    const other = this.#draw(suitable, avoidAt, tried, one);
    return this.#index.open[other < 0 ? one : this.#lesserOf(one, other)];
  }

  /** The place of one at random, other than `except`; -1 where there is none. */
  #draw(
    suitable: SuitableEndpoints,
    avoidAt: number,
    tried: Tried | undefined,
    except: number,
  ): number {
    const { random } = this.#options;
    const { count } = suitable;
    for (let n = 0; n < DRAWS; n++) {
      const place = suitable.place(Math.floor(random() * count));
      if (place !== except && this.#isAllowed(place, avoidAt, tried)) return place;
    }
    const start = Math.floor(random() * count);
    for (let n = 0; n < count; n++) {
      const place = suitable.place((start + n) % count);
      if (place !== except && this.#isAllowed(place, avoidAt, tried)) return place;
    }
    return -1;
  }

  #isAllowed(place: number, avoidAt: number, tried: Tried | undefined): boolean {
    const { loads, open } = this.#index;
    if (avoidAt > 0 && loads[place * LOAD_ROW + EJECTED_UNTIL]! > avoidAt) return false;
    return tried === undefined || !tried.has(open[place]!);
  }

  /** Chosen by a balancer of the user's own, which is given a list. */
  #listed(
    suitable: SuitableEndpoints,
    avoidAt: number,
    tried: Tried | undefined,
    balancer: Balancer,
  ): Endpoint | undefined {
    const { open } = this.#index;
    if (avoidAt === 0 && tried === undefined && suitable.count === open.length) {
      return open.length === 1 ? open[0] : balancer(open);
    }
    const candidates: Endpoint[] = [];
    for (let number = 0; number < suitable.count; number++) {
      const place = suitable.place(number);
      if (this.#isAllowed(place, avoidAt, tried)) candidates.push(open[place]!);
    }
    return candidates.length < 2 ? candidates[0] : balancer(candidates);
  }

  /** The time now where some worker is ejected, else 0. */
  #ejectedAt(): number {
    if (this.#ejectedUntil === 0) return 0;
    const now = this.#options.clock.steady();
    if (now < this.#ejectedUntil) return now;
    return this.#ejectedUntil = 0;
  }

  /**
   * The time at which ejections are judged; 0 where they do not count: no one is ejected, or more than half
   * are, for then it is not the workers.
   */
  #avoidAt(suitable: SuitableEndpoints): number {
    const now = this.#ejectedAt();
    if (now === 0) return 0;
    const ejected = suitable.ejected(now);
    return ejected === 0 || ejected * 2 > suitable.count ? 0 : now;
  }
}
