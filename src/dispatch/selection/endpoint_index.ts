import type { Endpoint } from "../endpoint/endpoint.ts";
import { LoadTable } from "../endpoint/load.ts";
import { ServedNames } from "./served_names.ts";

/** Which endpoints take calls and which are idle, kept up to date one endpoint at a time. */
export class EndpointIndex {
  /** Which of the endpoints that take calls serve what. */
  readonly served: ServedNames = new ServedNames();
  readonly #open: Endpoint[] = [];
  readonly #table = new LoadTable();
  readonly #idle = new Set<Endpoint>();
  #version = 0;

  /** The endpoints that take calls, in no particular order: each at the place of its load. */
  get open(): readonly Endpoint[] {
    return this.#open;
  }

  /** Their loads, by place. */
  get loads(): Float64Array {
    return this.#table.values;
  }

  /** The endpoints that no call has needed yet. */
  get idle(): ReadonlySet<Endpoint> {
    return this.#idle;
  }

  /** Rises when the endpoints that take calls change, or their places. */
  get version(): number {
    return this.#version;
  }

  /** Notes what an endpoint is now. */
  update(endpoint: Endpoint): void {
    if (endpoint.link === undefined) this.#close(endpoint);
    else if (endpoint.load.place < 0) {
      this.#version += 1;
      this.#open.push(endpoint);
      this.#table.add(endpoint.load);
      this.served.add(endpoint, endpoint.link.serves);
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
    const { load } = endpoint;
    const { place } = load;
    if (place < 0) return;
    this.served.remove(endpoint);
    this.#version += 1;
    const last = this.#open.pop()!;
    if (last.load !== load) this.#open[place] = last;
    this.#table.remove(load);
  }
}
