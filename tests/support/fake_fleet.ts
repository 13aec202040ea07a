import type { Discovery } from "../../src/discovery/mod.ts";
import { WorkerUnavailable } from "../../src/errors/mod.ts";
import { EventHub } from "../../src/observe/mod.ts";
import { roundRobin } from "../../src/dispatch/selection/balancer.ts";
import type { Endpoint } from "../../src/dispatch/endpoint/endpoint.ts";
import { Fleet } from "../../src/dispatch/fleet/fleet.ts";
import type { Lease } from "../../src/dispatch/fleet/lease.ts";
import { FakeDiscovery, FakeNetwork } from "./fake_network.ts";
import { ManualClock } from "./manual_clock.ts";

/** Addresses of workers. */
export const [A, B, C] = ["10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"] as const;

/** A fleet on a network that is not there, of three workers at most. */
export function setUp(...addresses: string[]) {
  return setUpMany(3, ...addresses);
}

/** A fleet of this many workers at most. */
export function setUpMany(maxWorkers: number, ...addresses: string[]) {
  return setUpLeased(undefined, maxWorkers, ...addresses);
}

/** A fleet that uses only the workers of its lease. */
export function setUpLeased(lease: Lease | undefined, maxWorkers: number, ...addresses: string[]) {
  return setUpOver(new FakeDiscovery(...addresses), maxWorkers, lease);
}

/** A fleet of what a discovery finds. */
export function setUpOver<Found extends Discovery>(
  discovery: Found,
  maxWorkers: number,
  lease?: Lease,
) {
  const clock = new ManualClock();
  const network = new FakeNetwork(clock);
  const hub = new EventHub("dispatcher", { clock });
  const events = hub.events();
  const fleet = new Fleet({
    sources: [{ discovery, dial: network.dial, lease }],
    maxWorkers,
    dispatcherId: "dispatcher",
    clock,
    observer: hub,
    random: () => 0,
    balancer: roundRobin(),
    backoff: {},
    connectionAgeMs: 3_600_000,
    distrustGraceMs: 25_000,
  });
  return { clock, network, discovery, fleet, events };
}

/** Fails a dial to this address. */
export function unreachable(address: string): () => Error {
  return () => new WorkerUnavailable("unreachable", { worker: { address }, notBegun: true });
}

/** The address of an endpoint, where there is one. */
export const address = (endpoint: Endpoint | undefined) => endpoint?.worker.address;
