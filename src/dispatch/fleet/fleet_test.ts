import assert from "node:assert/strict";
import { WorkerUnavailable } from "../../errors/mod.ts";
import type { Endpoint } from "../endpoint/endpoint.ts";
import {
  A,
  address,
  B,
  C,
  setUp,
  setUpMany,
  unreachable,
} from "../../../tests/support/fake_fleet.ts";
import { turn } from "../../../tests/support/manual_clock.ts";

Deno.test("Fleet hands calls to open workers in turn", async () => {
  const { fleet } = setUp(A, B, C);
  await fleet.ready(3);
  const turns = Array.from({ length: 6 }, () => address(fleet.choose({})));
  assert.deepEqual([...new Set(turns.slice(0, 3))].sort(), [A, B, C]);
  assert.deepEqual(turns.slice(3), turns.slice(0, 3));
});

Deno.test("Fleet gives a call the first worker that opens, and does not wait for others", async () => {
  const { network, fleet } = setUp(A, B, C);
  network.hold(A);
  network.fail(B, unreachable(B));
  const tried = new Map();
  assert.equal(address(await fleet.bring({}, tried)), C);
  assert.deepEqual(network.dialled, [A, B, C]);
});

Deno.test("Fleet reports every worker's own failure where none opens", async () => {
  const { network, fleet } = setUp(A, B);
  network.fail(A, unreachable(A));
  network.fail(B, unreachable(B));
  const tried = new Map<Endpoint, Error>();
  assert.equal(await fleet.bring({}, tried), undefined);
  assert.deepEqual([...tried.keys()].map(address), [A, B]);
  assert.ok([...tried.values()].every((error) => error instanceof WorkerUnavailable));
});

Deno.test("Fleet skips a failing worker, and uses it again once it has recovered", async () => {
  const { clock, network, fleet } = setUp(A, B);
  network.fail(A, unreachable(A));
  await fleet.bring({}, new Map());
  await turn();
  assert.deepEqual([1, 2, 3].map(() => address(fleet.choose({}))), [B, B, B]);
  network.restore(A);
  await clock.advanceInTurns(100);
  assert.deepEqual(new Set([1, 2].map(() => address(fleet.choose({})))), new Set([A, B]));
});

Deno.test("Fleet does not dial all workers again at once because calls need one", async () => {
  const many = Array.from({ length: 100 }, (_, n) => `10.3.0.${n}:1`);
  const { clock, network, fleet } = setUpMany(100, ...many);
  for (const one of many) network.fail(one, unreachable(one));
  assert.equal(await fleet.bring({}, new Map()), undefined);
  assert.equal(network.dialled.length, 100);
  // Each of them waits 200 ms or less before its own second attempt, and ever longer thereafter.
  for (let n = 0; n < 20; n++) {
    const calls = Array.from({ length: 3 }, () => fleet.bring({}, new Map()));
    await clock.advanceInTurns(100);
    await Promise.all(calls);
  }
  // Four attempts of each by its backoff, and sixteen more every 100 ms: not 100 every 100 ms.
  const { length } = network.dialled;
  assert.ok(length < 100 + 4 * 100 + 20 * 16, `${length} dials`);
});

Deno.test("Fleet dials others at once when a worker that had failed is back, whatever their backoff", async () => {
  const many = Array.from({ length: 60 }, (_, n) => `10.3.0.${n}:1`);
  const { clock, network, fleet } = setUpMany(60, ...many);
  for (const one of many) network.fail(one, unreachable(one));
  await fleet.bring({}, new Map());
  await clock.advanceInTurns(20_000);
  for (const one of many) network.restore(one);
  const before = network.dialled.length;
  assert.notEqual(await fleet.bring({}, new Map()), undefined);
  for (let n = 0; n < 10; n++) await turn();
  assert.equal(fleet.endpoints.filter(({ state }) => state === "ready").length, 60);
  assert.equal(network.dialled.length - before, 60);
});

Deno.test("Fleet leaves a worker alone that left calls unanswered, not where that is most of them", async () => {
  const { clock, fleet } = setUp(A, B, C);
  await fleet.ready(3);
  const chosen = () => new Set(Array.from({ length: 6 }, () => address(fleet.choose({}))));
  const [a, b, c] = [A, B, C].map((at) =>
    fleet.endpoints.find((endpoint) => endpoint.address === at)!
  ) as [Endpoint, Endpoint, Endpoint];
  const eject = (endpoint: Endpoint) => {
    for (let n = 0; n < 5; n++) fleet.unanswered(endpoint);
  };
  eject(a);
  assert.deepEqual(chosen(), new Set([B, C]));
  assert.equal(address(fleet.choose({}, new Map([[b, new Error()], [c, new Error()]]))), A);
  eject(b);
  assert.equal(chosen().size, 3);
  await clock.advanceInTurns(2_000);
  assert.equal(chosen().size, 3);
});

Deno.test("Fleet does not choose a worker that was tried", async () => {
  const { fleet } = setUp(A, B);
  await fleet.ready(2);
  const tried = new Map([[fleet.endpoints[0]!, new Error("overloaded")]]);
  assert.deepEqual([1, 2].map(() => address(fleet.choose({}, tried))), [B, B]);
  tried.set(fleet.endpoints[1]!, new Error("overloaded"));
  assert.equal(await fleet.bring({}, tried), undefined);
});

Deno.test("Fleet waits for a worker that its source expects, and stops when the call is over", async () => {
  const { discovery, fleet } = setUp();
  discovery.expectsMore = true;
  const waiting = fleet.bring({}, new Map());
  const over = new AbortController();
  const left = fleet.bring({}, new Map(), over.signal);
  await turn();
  over.abort();
  assert.equal(await left, undefined);
  discovery.push({ kind: "added", worker: { address: A } });
  assert.equal(address(await waiting), A);
});

Deno.test("Fleet gives a worker's supervisor a moment to notice that it has ended", async () => {
  const { clock, network, discovery, fleet } = setUp(A);
  discovery.expectsMore = false;
  network.fail(A, unreachable(A));
  const waiting = fleet.bring({}, new Map());
  await turn();
  discovery.expectsMore = true;
  discovery.push({ kind: "removed", address: A });
  await turn();
  discovery.push({ kind: "added", worker: { address: B } });
  assert.equal(address(await waiting), B);
  discovery.expectsMore = false;
  discovery.push({ kind: "removed", address: B }, { kind: "added", worker: { address: A } });
  await turn();
  const failing = fleet.bring({}, new Map());
  await turn();
  await clock.advanceInTurns(250);
  assert.equal(await failing, undefined);
});

Deno.test("Fleet says why there is no worker for a call", async () => {
  const { discovery, fleet } = setUp();
  discovery.push({ kind: "failed", message: "workers.internal: no such host" });
  await fleet.bring({}, new Map());
  await turn();
  assert.equal(
    fleet.whyNone({}),
    "discovery has found no worker for this call: fake: (workers.internal: no such host)",
  );
  discovery.push({ kind: "added", worker: { address: A, tags: ["gpu", "eu"] } });
  await turn();
  assert.equal(
    fleet.whyNone({ tags: ["gpu", "us"] }),
    'no worker carries the tags asked for ("gpu", "us"); 1 known, with the tags "gpu", "eu"',
  );
  await fleet.close(0);
  assert.equal(fleet.whyNone({}), "the dispatcher has been disposed of");
});

Deno.test("Fleet keeps nothing of workers that came and went", async () => {
  const { clock, network, discovery, fleet } = setUp(A);
  for (let n = 0; n < 200; n++) {
    const gone = `10.1.0.${n}:1`;
    network.fail(gone, unreachable(gone));
    discovery.push({ kind: "added", worker: { address: gone } });
    await turn();
    await fleet.bring({}, new Map());
    discovery.push({ kind: "removed", address: gone });
    await turn();
  }
  assert.deepEqual(fleet.endpoints.map(address), [A]);
  // What is left is the timer of the one connection.
  assert.equal(clock.delays.length, 1);
});

Deno.test("Fleet that is closed leaves no timer and no connection behind", async () => {
  const { clock, network, fleet } = setUp(A, B);
  network.fail(B, unreachable(B));
  await fleet.ready(1);
  await turn();
  await fleet.close(0);
  assert.deepEqual(clock.delays, []);
  assert.deepEqual(network.links.map(({ state }) => state), ["closed"]);
  assert.equal(await fleet.bring({}, new Map()), undefined);
});
