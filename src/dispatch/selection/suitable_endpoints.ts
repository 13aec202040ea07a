import type { Endpoint } from "../endpoint/endpoint.ts";
import type { EndpointIndex } from "./endpoint_index.ts";
import { EJECTED_UNTIL, LOAD_ROW } from "../endpoint/load.ts";
import type { Serving } from "./served_names.ts";

/** What a call asks of its worker. */
export interface Wanted {
  /** Calls of one affinity go to one worker while it is there. */
  readonly affinity?: string | undefined;
  /** The worker carries all of these. */
  readonly tags?: readonly string[] | undefined;
  /** The version of the routine that the caller has: workers that list it are preferred to those that list others. */
  readonly version?: string | undefined;
}

/** So many different wishes are remembered; a caller could make up any number. */
const MAX_REMEMBERED = 64;

/** How often those ejected are counted anew while time alone lets some return, in milliseconds. */
const COUNTED_MS = 10;

/** Whether an endpoint has what a call asks of its worker. */
export function suits(endpoint: Endpoint, { tags }: Pick<Wanted, "tags">): boolean {
  return tags === undefined || tags.every((tag) => endpoint.tags?.includes(tag) === true);
}

/** Endpoints that take calls and suit one, until the index changes. */
export class SuitableEndpoints {
  /** How many there are. */
  readonly count: number;
  readonly #index: EndpointIndex;
  readonly #places: readonly number[] | undefined;
  /** Where these are of the version that is preferred: those of any version. */
  readonly others: SuitableEndpoints | undefined;
  #ejected = 0;
  #countedAt = -Infinity;

  /** Without `places`, all that take calls. */
  constructor(index: EndpointIndex, places?: readonly number[], others?: SuitableEndpoints) {
    this.#index = index;
    this.others = others;
    this.#places = places;
    this.count = places === undefined ? index.open.length : places.length;
  }

  /** The place in the index of one of them, by its number from 0. */
  place(number: number): number {
    return this.#places === undefined ? number : this.#places[number]!;
  }

  /** How many of them are ejected; those that are not any more may be counted for 10 ms. */
  ejected(now: number): number {
    if (now >= this.#countedAt && now < this.#countedAt + COUNTED_MS) return this.#ejected;
    const { loads } = this.#index;
    let ejected = 0;
    for (let number = 0; number < this.count; number++) {
      if (loads[this.place(number) * LOAD_ROW + EJECTED_UNTIL]! > now) ejected += 1;
    }
    this.#ejected = ejected;
    this.#countedAt = now;
    return ejected;
  }

  /** An endpoint has been ejected. */
  eject({ load }: Endpoint): void {
    // Of a part of them it is not known who belongs: they are counted again.
    if (this.#places !== undefined) this.#countedAt = -Infinity;
    else if (load.place >= 0) this.#ejected += 1;
  }
}

/** Finds the endpoints that suit a call, and remembers them until the index changes. */
export class Suitability {
  readonly #index: EndpointIndex;
  readonly #remembered = new Map<string, SuitableEndpoints>();
  #all: SuitableEndpoints;
  #version = -1;

  constructor(index: EndpointIndex) {
    this.#index = index;
    this.#all = new SuitableEndpoints(index);
  }

  /**
   * Those that suit, and serve a routine or method, in the caller's version where it has one; all that suit where
   * none of them says that it does.
   */
  of(wanted: Wanted, name?: string): SuitableEndpoints {
    if (this.#version !== this.#index.version) this.#forget();
    const { served } = this.#index;
    const serving = served.serving(name);
    const preferred = served.servingVersion(name, wanted.version);
    if (preferred === undefined) return this.#serving(wanted, serving);
    const key = keyOf(wanted.tags ?? [], `${serving?.key ?? ""}/${preferred.key}`);
    const known = this.#remembered.get(key);
    if (known !== undefined) return known;
    const others = this.#serving(wanted, serving);
    const places = this.#places(wanted, preferred);
    return this.#remember(
      key,
      places.length === 0 ? others : new SuitableEndpoints(this.#index, places, others),
    );
  }

  #serving(wanted: Wanted, serving: Serving | undefined): SuitableEndpoints {
    const { tags } = wanted;
    if (serving === undefined && (tags === undefined || tags.length === 0)) return this.#all;
    const key = keyOf(tags ?? [], serving?.key);
    const known = this.#remembered.get(key);
    if (known !== undefined) return known;
    const places = this.#places(wanted, serving);
    return this.#remember(
      key,
      places.length === 0 && serving !== undefined
        ? this.#serving(wanted, undefined)
        : new SuitableEndpoints(this.#index, places),
    );
  }

  #places(wanted: Wanted, serving: Serving | undefined): readonly number[] {
    const places: number[] = [];
    for (const endpoint of this.#index.open) {
      if (suits(endpoint, wanted) && serving?.has(endpoint) !== false) {
        places.push(endpoint.load.place);
      }
    }
    return places;
  }

  #remember(key: string, found: SuitableEndpoints): SuitableEndpoints {
    if (this.#remembered.size === MAX_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(key, found);
    return found;
  }

  /** An endpoint that was not ejected is now. */
  eject(endpoint: Endpoint): void {
    this.#all.eject(endpoint);
    for (const suitable of this.#remembered.values()) suitable.eject(endpoint);
  }

  #forget(): void {
    this.#remembered.clear();
    this.#all = new SuitableEndpoints(this.#index);
    this.#version = this.#index.version;
  }
}

/** No list in JSON begins like a single tag does here, and none holds a line break as it is. */
function keyOf(tags: readonly string[], serving: string | undefined): string {
  const wanted = tags.length === 1 ? `=${tags[0]}` : JSON.stringify(tags);
  return serving === undefined ? wanted : `${serving}\n${wanted}`;
}
