import type { EndpointSlice } from "./endpoint_slices.ts";
import { present } from "../../values/mod.ts";

/** The most slices of a service, and endpoints in all of them together. */
const MAX_SLICES = 4_096;
const MAX_ENDPOINTS = 65_536;
/** The most endpoints of one slice, by the API's own rule (discovery.k8s.io/v1). */
const MAX_ENDPOINTS_A_SLICE = 1_000;
/** The most ports of one slice, by the same rule. */
const MAX_PORTS_A_SLICE = 100;
/** The longest text that is kept: a slice's name is a DNS subdomain of at most 253. */
const MAX_TEXT = 256;

/** More slices or endpoints than a service has. */
export class TooManySlices extends Error {}

/**
 * The slices of a service by name, with no more of each than is read, so that memory is bounded whatever an API server
 * sends.
 */
export class HeldSlices {
  readonly #slices = new Map<string, EndpointSlice>();
  #endpoints = 0;

  get size(): number {
    return this.#slices.size;
  }

  values(): Iterable<EndpointSlice> {
    return this.#slices.values();
  }

  /**
   * Adds a slice, or replaces the one of its name.
   *
   * @throws {TooManySlices} If there would be more slices, or endpoints, than are held.
   */
  set(name: string, slice: EndpointSlice): void {
    const held = shortened(slice);
    this.delete(name);
    const endpoints = this.#endpoints + (held.endpoints?.length ?? 0);
    if (this.#slices.size >= MAX_SLICES || endpoints > MAX_ENDPOINTS) {
      throw new TooManySlices(
        `the API server lists more than ${MAX_SLICES} slices or ${MAX_ENDPOINTS} endpoints of the service`,
      );
    }
    this.#endpoints = endpoints;
    this.#slices.set(name.slice(0, MAX_TEXT), held);
  }

  /** Forgets a slice. */
  delete(name: string): void {
    const key = name.slice(0, MAX_TEXT);
    this.#endpoints -= this.#slices.get(key)?.endpoints?.length ?? 0;
    this.#slices.delete(key);
  }
}

function shortened({ metadata, addressType, endpoints, ports }: EndpointSlice): EndpointSlice {
  const name = metadata?.name;
  return {
    ...(name === undefined ? {} : { metadata: { name: text(name) } }),
    ...(addressType === undefined ? {} : { addressType: text(addressType) }),
    endpoints: (endpoints ?? []).slice(0, MAX_ENDPOINTS_A_SLICE).map(
      ({ addresses, conditions, targetRef }) => ({
        addresses: (addresses ?? []).slice(0, 1).map(text),
        ...(conditions === undefined ? {} : { conditions: conditionsOf(conditions) }),
        ...(targetRef?.uid === undefined ? {} : { targetRef: { uid: text(targetRef.uid) } }),
      }),
    ),
    ports: (ports ?? []).slice(0, MAX_PORTS_A_SLICE).map(({ name, port }) => ({
      ...(name === undefined || name === null ? {} : { name: text(name) }),
      ...(port === undefined || port === null ? {} : { port }),
    })),
  };
}

type Conditions = NonNullable<NonNullable<EndpointSlice["endpoints"]>[number]["conditions"]>;

function conditionsOf({ ready, serving, terminating }: Conditions): Conditions {
  return present({ ready, serving, terminating });
}

function text(value: string): string {
  return String(value).slice(0, MAX_TEXT);
}
