import type { Endpoint } from "../endpoint/endpoint.ts";
import { combinedScore, hashOfKey, hashOfMember } from "./rendezvous.ts";
import type { Tried } from "./selection.ts";
import type { Serving } from "./served_names.ts";
import { suits, type Wanted } from "./suitable_endpoints.ts";

/** So many owners are remembered; a caller could make up any number of affinities. */
const MAX_REMEMBERED = 4_096;

/**
 * Which worker the calls of an affinity go to: of those that have not failed, the one that wants them most. A worker
 * that comes or goes moves its own calls and no others. An owner is found by one pass over the hashes, which takes
 * 20 µs among 10,000 workers, and remembered until a worker comes or goes.
 */
export class AffinityOwners {
  readonly #members: Endpoint[] = [];
  readonly #hashes: number[] = [];
  readonly #places = new Map<Endpoint, number>();
  readonly #remembered = new Map<string, Endpoint | undefined>();

  /** Notes what an endpoint is now. */
  update(endpoint: Endpoint): void {
    if (endpoint.state === "failing") return this.remove(endpoint);
    const { id, address } = endpoint.worker;
    const hash = hashOfMember(id ?? address);
    const place = this.#places.get(endpoint);
    if (place !== undefined && this.#hashes[place] === hash) return;
    this.#remembered.clear();
    const at = place ?? this.#members.length;
    this.#places.set(endpoint, at);
    this.#members[at] = endpoint;
    this.#hashes[at] = hash;
  }

  /** Forgets an endpoint. */
  remove(endpoint: Endpoint): void {
    const place = this.#places.get(endpoint);
    if (place === undefined) return;
    this.#remembered.clear();
    this.#places.delete(endpoint);
    const last = this.#members.pop()!;
    const hash = this.#hashes.pop()!;
    if (last === endpoint) return;
    this.#members[place] = last;
    this.#hashes[place] = hash;
    this.#places.set(last, place);
  }

  /** The owner, of those that suit, serve what is called and have not been `tried`. */
  owner(
    affinity: string,
    wanted: Wanted,
    tried?: Tried,
    serving?: Serving,
  ): Endpoint | undefined {
    const ofAll = wanted.tags === undefined && serving === undefined &&
      (tried === undefined || tried.size === 0);
    if (!ofAll) {
      return this.#find(
        affinity,
        (one) => suits(one, wanted) && serving?.has(one) !== false && !tried?.has(one),
      );
    }
    const known = this.#remembered.get(affinity);
    if (known !== undefined) return known;
    const owner = this.#find(affinity);
    if (this.#remembered.size === MAX_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(affinity, owner);
    return owner;
  }

  #find(affinity: string, may?: (endpoint: Endpoint) => boolean): Endpoint | undefined {
    const key = hashOfKey(affinity);
    let owner: Endpoint | undefined;
    let best = -1;
    for (let at = 0; at < this.#hashes.length; at++) {
      const score = combinedScore(key, this.#hashes[at]!);
      if (score <= best) continue;
      const member = this.#members[at]!;
      if (may !== undefined && !may(member)) continue;
      owner = member;
      best = score;
    }
    return owner;
  }
}
