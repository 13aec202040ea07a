import { Fleet } from "../../src/dispatch/fleet/fleet.ts";
import { defaultDispatcherLimits as limits } from "../../src/dispatch/limits.ts";
import { EventHub, systemClock } from "../../src/observe/mod.ts";
import { FakeDiscovery, FakeNetwork } from "../../tests/support/fake_network.ts";
import type { Findings } from "./scenarios.ts";

/** Choices are timed in rounds of so many; the fastest round counts, for what else the machine does only slows. */
const CHOICES = 50_000;
const ROUNDS = 12;

/** What a choice and an endpoint cost on this machine, in fleets of several sizes: measured, not simulated. */
export async function measure(): Promise<Findings> {
  const findings: Record<string, number | string> = {};
  const sizes = [10, 100, 1_000, 10_000];
  const measured = [];
  for (const size of sizes) measured.push(await open(size));
  for (const [what, choose] of Object.entries(WAYS)) {
    const costs = sizes.map(() => Infinity);
    // Interleaved, so that a busy moment slows all of them.
    for (let round = 0; round < ROUNDS; round++) {
      for (const [at, { fleet }] of measured.entries()) {
        costs[at] = Math.min(costs[at]!, nanoseconds(() => choose(fleet)));
      }
    }
    for (const [at, cost] of costs.entries()) {
      findings[`${what} among ${sizes[at]}, ns`] = Math.round(cost);
    }
    findings[`${what}: of 10,000 to that of 10`] = (costs.at(-1)! / costs[0]!).toFixed(2);
    if (what === "a choice") { for (const { fleet } of measured) ejectSome(fleet); }
  }
  for (const [at, { bytes }] of measured.entries()) {
    if (bytes > 0) findings[`an endpoint of ${sizes[at]}, bytes`] = Math.round(bytes);
  }
  for (const { fleet } of measured) await fleet.close(0);
  return findings;
}

let calls = 0;
const WAYS: Readonly<Record<string, (fleet: Fleet) => unknown>> = {
  "a choice": (fleet) => fleet.choose({}),
  "a choice while some are ejected": (fleet) => fleet.choose({}),
  "an affinity": (fleet) => fleet.choose({ affinity: `tenant-${calls++ % 100}` }),
};

async function open(size: number): Promise<{ readonly fleet: Fleet; readonly bytes: number }> {
  const addresses = Array.from({ length: size }, (_, n) => `10.0.${n >> 8}.${n & 255}:8443`);
  const hub = new EventHub("measured", { clock: systemClock });
  const network = new FakeNetwork(systemClock);
  const before = heap();
  const fleet = new Fleet({
    sources: [{ discovery: new FakeDiscovery(...addresses), dial: network.dial }],
    maxWorkers: size,
    dispatcherId: "measured",
    clock: systemClock,
    observer: hub,
    random: Math.random,
    backoff: {},
    connectionAgeMs: limits.connectionAgeMs,
    distrustGraceMs: limits.distrustGraceMs,
  });
  await fleet.ready(size);
  const bytes = (heap() - before) / size;
  for (const endpoint of fleet.endpoints) {
    fleet.answered(endpoint, 1 + Math.random() * 10, performance.now());
  }
  return { fleet, bytes };
}

/** One worker in twenty leaves calls unanswered until it is ejected. */
function ejectSome(fleet: Fleet): void {
  for (const endpoint of fleet.endpoints.filter((_, n) => n % 20 === 0)) {
    for (let n = 0; n < 5; n++) fleet.unanswered(endpoint);
  }
}

function nanoseconds(choose: () => unknown): number {
  const begun = performance.now();
  for (let n = 0; n < CHOICES; n++) choose();
  return (performance.now() - begun) / CHOICES * 1e6;
}

/** The heap in use after a collection; 0 where the collector cannot be called. */
function heap(): number {
  const { gc } = globalThis as { gc?: () => void };
  if (gc === undefined) return 0;
  gc();
  return Deno.memoryUsage().heapUsed;
}
