import type { Endpoint } from "./endpoint.ts";

/** Which endpoints take calls and which are idle, kept up to date one endpoint at a time. */
export class EndpointIndex {
  readonly #open: Endpoint[] = [];
  /** Where each open endpoint stands in the list. */
  readonly #places = new Map<Endpoint, number>();
  readonly #idle = new Set<Endpoint>();

  /** The endpoints that take calls, in no particular order. */
  get open(): readonly Endpoint[] {
    return this.#open;
  }

  /** The endpoints that no call has needed yet. */
  get idle(): ReadonlySet<Endpoint> {
    return this.#idle;
  }

  /** Notes what an endpoint is now. */
  update(endpoint: Endpoint): void {
    if (endpoint.link === undefined) this.#close(endpoint);
    else if (!this.#places.has(endpoint)) {
      this.#places.set(endpoint, this.#open.length);
      this.#open.push(endpoint);
    }
    if (endpoint.isIdle) this.#idle.add(endpoint);
    else this.#idle.delete(endpoint);
  }

  /** Forgets an endpoint. */
  remove(endpoint: Endpoint): void {
    this.#close(endpoint);
    this.#idle.delete(endpoint);
  }

  #close(endpoint: Endpoint): void {
    const place = this.#places.get(endpoint);
    if (place === undefined) return;
    this.#places.delete(endpoint);
    const last = this.#open.pop();
    if (last === undefined || last === endpoint) return;
    this.#open[place] = last;
    this.#places.set(last, place);
  }
}
