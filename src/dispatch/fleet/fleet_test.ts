import assert from "node:assert/strict";
import { WorkerUnavailable } from "../../errors/mod.ts";
import { EventHub } from "../../observe/mod.ts";
import { roundRobin } from "../selection/balancer.ts";
import type { Endpoint } from "../endpoint/endpoint.ts";
import { ManualClock, turn } from "../../../tests/support/manual_clock.ts";
import { FakeDiscovery, FakeNetwork } from "../../../tests/support/fake_network.ts";
import { Fleet } from "./fleet.ts";
import type { Lease } from "./lease.ts";

const [A, B, C] = ["10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"] as const;

function setUp(...addresses: string[]) {
  return setUpMany(3, ...addresses);
}

function setUpMany(maxWorkers: number, ...addresses: string[]) {
  return setUpLeased(undefined, maxWorkers, ...addresses);
}

function setUpLeased(lease: Lease | undefined, maxWorkers: number, ...addresses: string[]) {
  const clock = new ManualClock();
  const network = new FakeNetwork(clock);
  const discovery = new FakeDiscovery(...addresses);
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

function unreachable(address: string): () => Error {
  return () => new WorkerUnavailable("unreachable", { worker: { address }, notBegun: true });
}

const address = (endpoint: Endpoint | undefined) => endpoint?.worker.address;

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

Deno.test("Fleet keeps an affinity's calls on one worker, and moves them when it fails", async () => {
  const { network, fleet } = setUp(A, B, C);
  const owners = new Set<string | undefined>();
  for (let call = 0; call < 4; call++) {
    owners.add(address(await fleet.bring({ affinity: "tenant-7" }, new Map())));
  }
  assert.equal(owners.size, 1);
  const [owner] = owners;
  network.fail(owner!, unreachable(owner!));
  for (const link of network.links) {
    if (link.worker.address === owner) link.end("lost");
  }
  await turn();
  const next = address(await fleet.bring({ affinity: "tenant-7" }, new Map()));
  assert.ok(next !== undefined && next !== owner);
});

Deno.test("Fleet chooses only workers that carry every tag asked for", async () => {
  const { discovery, fleet } = setUp(A);
  discovery.push({ kind: "added", worker: { address: B, tags: ["gpu", "eu"] } });
  assert.equal(address(await fleet.bring({ tags: ["gpu"] }, new Map())), B);
  assert.equal(await fleet.bring({ tags: ["gpu", "us"] }, new Map()), undefined);
});

Deno.test("Fleet chooses workers that say that they serve what is called, and any where none says so", async () => {
  const { network, discovery, fleet } = setUp(A, B, C);
  network.serves.set(A, "old");
  network.serves.set(B, "acme.v1.Echo\nnew\nold");
  await fleet.ready(3);
  const chosen = (routine: string, tried?: Map<Endpoint, Error>) =>
    new Set([1, 2, 3, 4].map(() => address(fleet.choose({}, tried, routine))));
  // C has not said what it serves.
  assert.deepEqual(chosen("old"), new Set([A, B, C]));
  assert.deepEqual(chosen("new"), new Set([B, C]));
  assert.deepEqual(chosen("acme.v1.Echo/Say"), new Set([B, C]));
  assert.deepEqual(chosen("other"), new Set([A, B, C]));
  const owners = new Set(
    Array.from(
      { length: 50 },
      (_, at) => address(fleet.choose({ affinity: `${at}` }, undefined, "new")),
    ),
  );
  assert.deepEqual(owners, new Set([B, C]));
  discovery.push({ kind: "removed", address: C });
  await turn();
  assert.deepEqual(chosen("new"), new Set([B]));
  const tried = new Map([[fleet.choose({}, undefined, "new")!, new Error("overloaded")]]);
  assert.equal(await fleet.bring({}, tried, undefined, "new"), undefined);
  assert.equal(address(await fleet.bring({}, tried, undefined, "old")), A);
  discovery.push({ kind: "removed", address: B });
  await turn();
  assert.equal(address(await fleet.bring({}, new Map(), undefined, "new")), A);
});

Deno.test("Fleet prefers workers of the version that the caller has, while they have room", async () => {
  const { clock, network, discovery, fleet } = setUp(A, B, C);
  for (const old of [A, B]) network.serves.set(old, "price\nprice\t1");
  network.serves.set(C, "price\nprice\t2");
  await fleet.ready(3);
  const chosen = (version: string, tried?: Map<Endpoint, Error>) =>
    new Set([1, 2, 3, 4].map(() => address(fleet.choose({ version }, tried, "price"))));
  const owners = (version: string) =>
    new Set(
      Array.from(
        { length: 50 },
        (_, at) => address(fleet.choose({ version, affinity: `${at}` }, undefined, "price")),
      ),
    );
  assert.deepEqual(chosen("1"), new Set([A, B]));
  assert.deepEqual(chosen("2"), new Set([C]));
  assert.deepEqual(owners("1"), new Set([A, B]));
  assert.deepEqual(owners("2"), new Set([C]));
  // No worker lists these: the version is passed over.
  assert.deepEqual(chosen("3"), new Set([A, B, C]));
  assert.deepEqual(owners("3"), new Set([A, B, C]));
  const [newest] = fleet.endpoints.filter((one) => address(one) === C);
  // One that refused this call, or lately any call, leaves it to those of another version.
  assert.deepEqual(chosen("2", new Map([[newest!, new Error("overloaded")]])), new Set([A, B]));
  fleet.hadNoRoom(newest!);
  assert.deepEqual(chosen("2"), new Set([A, B]));
  clock.advance(51);
  assert.deepEqual(chosen("2"), new Set([C]));
  discovery.push({ kind: "removed", address: C });
  await turn();
  assert.deepEqual(chosen("2"), new Set([A, B]));
});

Deno.test("Fleet chooses any worker with the tags asked for where only others say that they serve what is called", async () => {
  const { network, discovery, fleet } = setUp(B);
  discovery.push({ kind: "added", worker: { address: A, tags: ["gpu"] } });
  network.serves.set(A, "old");
  network.serves.set(B, "new\nold");
  await fleet.ready(2);
  const wanted = { tags: ["gpu"] };
  for (const asked of [wanted, { ...wanted, affinity: "a" }]) {
    assert.equal(address(fleet.choose(asked, undefined, "new")), A);
    assert.equal(address(await fleet.bring(asked, new Map(), undefined, "new")), A);
  }
  assert.equal(address(fleet.choose({}, undefined, "new")), B);
});

Deno.test("Fleet connects to workers that may serve what those connected do not", async () => {
  const { network, fleet } = setUp(A, B);
  network.serves.set(A, "old");
  network.serves.set(B, "new\nold");
  const go = network.hold(B);
  assert.equal(address(await fleet.bring({}, new Map(), undefined, "new")), A);
  const tried = new Map([[fleet.choose({})!, new Error("unknown routine")]]);
  const waiting = fleet.bring({}, tried, undefined, "new");
  go();
  assert.equal(address(await waiting), B);
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

Deno.test("Fleet takes on and lets go of workers as discovery reports it", async () => {
  const { network, discovery, fleet, events } = setUp(A);
  await fleet.ready(1);
  discovery.push({ kind: "added", worker: { address: B } }, { kind: "removed", address: A });
  await turn();
  assert.equal(network.links[0]!.state, "draining");
  assert.equal(address(await fleet.bring({}, new Map())), B);
  const reported = [await events.next(), await events.next(), await events.next()];
  assert.deepEqual(reported.map(({ value }) => value?.type), [
    "discovery.added",
    "discovery.added",
    "discovery.removed",
  ]);
});

Deno.test("Fleet uses so many of the workers found, and others once those are gone", async () => {
  const { discovery, fleet, events } = setUp();
  const found = Array.from({ length: 50 }, (_, at) => `10.2.0.${at}:1`);
  discovery.push(...found.map((address) => ({ kind: "added" as const, worker: { address } })));
  await fleet.ready(3);
  const used = fleet.endpoints.map(address);
  assert.equal(used.length, 3);
  const seen = [];
  for await (const event of events) {
    seen.push(event.type);
    if (event.type !== "discovery.rejected") continue;
    assert.equal(event.message, "47 of the 50 workers found are not used: limits.maxWorkers is 3");
    break;
  }
  discovery.push(...used.map((address) => ({ kind: "removed" as const, address: address! })));
  await turn();
  await fleet.ready(3);
  assert.ok(fleet.endpoints.every((endpoint) => !used.includes(address(endpoint))));
});

Deno.test("Fleet uses others for leased workers that cannot be connected, and no longer once those are back", async () => {
  const found = Array.from({ length: 50 }, (_, at) => `10.2.0.${at}:1`);
  const { clock, network, fleet } = setUpLeased({ workers: 3 }, 100, ...found);
  await fleet.ready(3);
  const leased = fleet.endpoints.map(address).sort();
  assert.equal(leased.length, 3);
  for (const gone of leased) network.fail(gone!, unreachable(gone!));
  for (const link of network.links) link.end("lost");
  // Not before it is clear that they are not just restarted.
  await clock.advanceInTurns(4_900);
  assert.equal(fleet.endpoints.length, 3);
  await clock.advanceInTurns(200);
  assert.equal(fleet.endpoints.length, 6);
  const other = await fleet.bring({}, new Map());
  assert.ok(other !== undefined && !leased.includes(address(other)));
  // Never more than as many again, however many of them cannot be connected either.
  for (const one of found) network.fail(one, unreachable(one));
  for (const link of network.links) link.end("lost");
  await clock.advanceInTurns(60_000);
  assert.equal(fleet.endpoints.length, 6);
  for (const back of found) network.restore(back);
  await clock.advanceInTurns(31_000);
  assert.deepEqual(fleet.endpoints.map(address).sort(), leased);
  assert.deepEqual(network.links.filter(({ state }) => state === "open").length, 3);
  await fleet.close(0);
  assert.deepEqual(clock.delays, []);
});

Deno.test("Fleet uses the connections of workers whose announcements have lapsed, and dials none of them", async () => {
  const { clock, network, discovery, fleet } = setUp(A, B);
  network.fail(B, unreachable(B));
  await fleet.ready(1);
  const lapsed = (address: string) => ({
    kind: "removed" as const,
    address,
    lapsed: true as const,
  });
  discovery.push(lapsed(A), lapsed(B));
  await turn();
  assert.deepEqual(fleet.endpoints.map(address), [A]);
  assert.equal(address(fleet.choose({})), A);
  // Neither its age nor new credentials that still trust the worker end a connection that cannot be replaced.
  await clock.advanceInTurns(2 * 3_600_000);
  fleet.renew(0);
  assert.equal(address(fleet.choose({})), A);
  assert.equal(network.links.length, 1);
  // Announced again it is a worker like any other.
  discovery.push({ kind: "added", worker: { address: A } });
  await turn();
  network.links[0]!.end("lost");
  assert.equal(address(await fleet.bring({}, new Map())), A);
  discovery.push(lapsed(A));
  await turn();
  network.links[1]!.move("draining");
  assert.deepEqual(fleet.endpoints, []);
  assert.equal(await fleet.bring({}, new Map()), undefined);
  assert.equal(network.links.length, 2);
  network.links[1]!.end("orderly");
  await fleet.close(0);
  assert.deepEqual(clock.delays, []);
});

Deno.test("Fleet counts workers that have lapsed: beyond maxWorkers those go that lapsed first", async () => {
  const { network, discovery, fleet } = setUp();
  const announce = async (...addresses: string[]) => {
    discovery.push(
      ...addresses.map((address) => ({ kind: "added" as const, worker: { address } })),
    );
    await turn();
    await fleet.ready(fleet.endpoints.length);
  };
  const lapse = async (...addresses: string[]) => {
    const removed = { kind: "removed", lapsed: true } as const;
    discovery.push(...addresses.map((address) => ({ ...removed, address })));
    await turn();
  };
  const [D, E, F] = ["10.0.0.4:1", "10.0.0.5:1", "10.0.0.6:1"] as const;
  await announce(A, B, C);
  await lapse(B, A);
  assert.deepEqual(fleet.endpoints.map(address), [A, B, C]);
  await announce(D);
  assert.deepEqual(fleet.endpoints.map(address), [A, C, D]);
  // One that is announced again is as any other.
  await lapse(C);
  await announce(A);
  await announce(E);
  assert.deepEqual(fleet.endpoints.map(address), [A, D, E]);
  await lapse(A, D, E);
  await announce(F);
  assert.deepEqual(fleet.endpoints.map(address), [D, E, F]);
  const open = network.links.filter(({ state }) => state === "open").map(({ worker }) =>
    worker.address
  );
  assert.deepEqual(open.sort(), [D, E, F]);
});

Deno.test("Fleet leaves a lapsed worker that new credentials do not trust, or whose proof has ended", async () => {
  for (const ends of ["distrusted", "expired"]) {
    const { clock, network, discovery, fleet } = setUp(A);
    if (ends === "expired") network.validForMs = 60_000;
    await fleet.ready(1);
    discovery.push({ kind: "removed", address: A, lapsed: true });
    await turn();
    network.links[0]!.trusted = ends === "expired";
    if (ends === "expired") await clock.advanceInTurns(60_001);
    else fleet.renew(0);
    assert.deepEqual(fleet.endpoints, [], ends);
    await clock.advanceInTurns(30_000);
    await fleet.close(0);
  }
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
