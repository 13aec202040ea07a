import assert from "node:assert/strict";
import { type Findings, SCENARIOS } from "../../scripts/simulate/scenarios.ts";

/** A fleet that is small enough for every run of the tests; `docs/scale.md` has larger ones. */
const SIZE = { workers: 160, dispatchers: 16, lease: 80, seconds: 20, seed: 1 };

const found = (findings: Findings, what: string): number => {
  const value = findings[what];
  assert.ok(typeof value === "number", `${what} is ${value}`);
  return value;
};

Deno.test("simulated fleet: load is spread evenly over bounded connections, and the seed decides all", async () => {
  const findings = await SCENARIOS["steady"]!(SIZE);
  assert.equal(findings["failed"], 0);
  assert.equal(findings["connections"], SIZE.dispatchers * SIZE.lease);
  assert.ok(found(findings, "load, max of mean") <= 1.3, JSON.stringify(findings));
  assert.deepEqual(await SCENARIOS["steady"]!(SIZE), findings);
});

Deno.test("simulated fleet: no call fails while workers are replaced, and each is dialled by its dispatchers", async () => {
  const findings = await SCENARIOS["churn"]!(SIZE);
  assert.equal(findings["failed"], 0);
  assert.equal(findings["failed then, all connected"], 0);
  assert.ok(found(findings, "all connected after, s") <= 1);
  // A new worker belongs to eight dispatchers, and moves the edges of others.
  assert.ok(found(findings, "dials a worker replaced") <= 24, JSON.stringify(findings));
});

Deno.test("simulated fleet: half of it restarts, and is connected again within a second", async () => {
  const findings = await SCENARIOS["half restarts"]!(SIZE);
  assert.ok(found(findings, "all connected after, s") <= 1, JSON.stringify(findings));
  assert.ok(found(findings, "most handshakes of one worker that is back") <= SIZE.dispatchers);
  assert.ok(found(findings, "load, max of mean") <= 1.3, JSON.stringify(findings));
});

Deno.test("simulated fleet: while all of it is down the dials are bounded, and then it is back within seconds", async () => {
  const findings = await SCENARIOS["all restart"]!(SIZE);
  // Sixteen workers every 100 ms because of calls, and each by its backoff, some seven times in ten seconds.
  assert.ok(found(findings, "dials a second, of one dispatcher") <= 160 + 0.8 * SIZE.lease);
  assert.ok(found(findings, "all connected after, s") <= 2, JSON.stringify(findings));
  assert.equal(findings["failed then, all connected"], 0);
});

Deno.test("simulated fleet: workers that are slow or frozen get few calls", async () => {
  const slow = await SCENARIOS["slow ones"]!(SIZE);
  // A call takes a slow one a second on average, and where several dispatchers try it at once more than the five
  // that a call is given: 0.03 to 0.08 % of all calls, by the seed.
  assert.ok(found(slow, "failed") <= 0.001 * found(slow, "calls"), JSON.stringify(slow));
  assert.ok(found(slow, "calls of a slow worker, of the mean") <= 0.2);
  const frozen = await SCENARIOS["frozen ones"]!(SIZE);
  // Each dispatcher loses a few calls to each frozen worker, and then one at most whenever it is tried again.
  const pairs = Math.ceil(SIZE.workers / 100) * SIZE.dispatchers / 2;
  assert.ok(found(frozen, "failed") <= 8 * pairs, JSON.stringify(frozen));
  assert.ok(found(frozen, "failed in the next 20 s") <= 2 * pairs, JSON.stringify(frozen));
});
