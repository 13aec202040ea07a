import type { Endpoint } from "../endpoint/endpoint.ts";

/** How many others are dialled at once when a worker that had failed is back. */
const HASTENED = 2;

/**
 * The endpoints whose last attempt to connect failed. When one of them is back, others probably are: two are
 * dialled at once, whatever their backoff. So a fleet that restarts is connected within some round trips, and
 * one that does not is dialled no more often for it.
 */
export class FailingEndpoints {
  readonly #random: () => number;
  readonly #failing: Endpoint[] = [];
  readonly #places = new Map<Endpoint, number>();

  /** @param random A number in [0, 1). */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** Notes what an endpoint is now; one that is dialled again still counts as failing. */
  update(endpoint: Endpoint): void {
    const { state } = endpoint;
    if (state === "connecting") return;
    if (state !== "failing") {
      if (this.remove(endpoint) && state === "ready") this.#hasten();
    } else if (!this.#places.has(endpoint)) {
      this.#places.set(endpoint, this.#failing.push(endpoint) - 1);
    }
  }

  /** Forgets an endpoint. @returns whether it was failing. */
  remove(endpoint: Endpoint): boolean {
    const place = this.#places.get(endpoint);
    if (place === undefined) return false;
    this.#places.delete(endpoint);
    const last = this.#failing.pop()!;
    if (last !== endpoint) {
      this.#failing[place] = last;
      this.#places.set(last, place);
    }
    return true;
  }

  #hasten(): void {
    for (let n = 0; n < HASTENED && this.#failing.length > 0; n++) {
      void this.#failing[Math.floor(this.#random() * this.#failing.length)]!.connect();
    }
  }
}
