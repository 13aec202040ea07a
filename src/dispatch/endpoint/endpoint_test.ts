import assert from "node:assert/strict";
import { HandshakeError, WorkerUnavailable } from "../../errors/mod.ts";
import { EventHub, type SelvageEvent } from "../../observe/mod.ts";
import { Endpoint } from "./endpoint.ts";
import { ManualClock, turn } from "../../../tests/support/manual_clock.ts";
import { FakeNetwork } from "../../../tests/support/fake_network.ts";

const ADDRESS = "10.0.0.1:8443";
const WORKER = { address: ADDRESS };

function setUp(overrides: { random?: () => number; connectionAgeMs?: number } = {}) {
  const clock = new ManualClock();
  const network = new FakeNetwork(clock);
  const hub = new EventHub("dispatcher", { clock });
  const events = hub.events();
  const endpoint = new Endpoint(WORKER, {
    dial: network.dial,
    clock,
    observer: hub,
    random: overrides.random ?? (() => 0),
    backoff: {},
    connectionAgeMs: overrides.connectionAgeMs ?? 3_600_000,
    distrustGraceMs: 25_000,
    onChange: () => {},
  });
  const emitted = async (): Promise<SelvageEvent[]> => {
    hub[Symbol.dispose]();
    return await Array.fromAsync(events);
  };
  return { clock, network, endpoint, emitted };
}

function mismatch(): HandshakeError {
  return new HandshakeError({
    side: "dispatcher",
    reason: "identity-mismatch",
    worker: WORKER,
    evidence: {},
  });
}

Deno.test("Endpoint dials only when it is asked to, once for all who ask", async () => {
  const { network, endpoint } = setUp();
  await turn();
  assert.deepEqual([endpoint.state, network.dialled], ["idle", []]);
  const asked = [endpoint.connect(), endpoint.connect()];
  assert.equal(endpoint.state, "connecting");
  assert.deepEqual(await Promise.all(asked), [true, true]);
  assert.equal(endpoint.state, "ready");
  assert.deepEqual(network.dialled, [ADDRESS]);
});

Deno.test("Endpoint tries a failing worker again with growing waits, and by itself", async () => {
  const { clock, network, endpoint } = setUp();
  network.fail(ADDRESS, mismatch);
  assert.equal(await endpoint.connect(), false);
  assert.equal(endpoint.state, "failing");
  for (const wait of [100, 200, 400]) {
    assert.deepEqual(clock.delays, [wait]);
    await clock.advanceInTurns(wait);
  }
  assert.equal(network.dialled.length, 4);
  network.restore(ADDRESS);
  await clock.advanceInTurns(800);
  assert.equal(endpoint.state, "ready");
  assert.equal(endpoint.lastFailure, undefined);
  assert.deepEqual(endpoint.handshakeFailures, { "identity-mismatch": 4 });
});

Deno.test("Endpoint dials a recovered worker on the first demand, whatever its backoff", async () => {
  const { clock, network, endpoint } = setUp();
  network.fail(ADDRESS, mismatch);
  await endpoint.connect();
  for (let attempt = 0; attempt < 12; attempt++) await clock.advanceInTurns(clock.delays[0]!);
  assert.deepEqual(clock.delays, [15_000]);
  await clock.advanceInTurns(5_000);
  network.restore(ADDRESS);
  assert.equal(await endpoint.connect(), true);
});

Deno.test("Endpoint dials a recovered worker on demand, however far the clock was set back since it failed", async () => {
  const { clock, network, endpoint } = setUp();
  network.fail(ADDRESS, mismatch);
  await endpoint.connect();
  clock.setBack(3_600_000);
  network.restore(ADDRESS);
  const asked = endpoint.connect();
  await clock.advanceInTurns(100);
  assert.equal(endpoint.state, "ready");
  assert.equal(await asked, true);
});

Deno.test("Endpoint does not dial more often than the shortest wait, however many ask", async () => {
  const { clock, network, endpoint } = setUp();
  network.fail(ADDRESS, mismatch);
  await endpoint.connect();
  const asked = [endpoint.connect(), endpoint.connect(), endpoint.connect()];
  await clock.advanceInTurns(99);
  assert.equal(network.dialled.length, 1);
  await clock.advanceInTurns(1);
  assert.deepEqual(await Promise.all(asked), [false, false, false]);
  assert.equal(network.dialled.length, 2);
});

Deno.test("Endpoint reports handshake.failed with the reason, and keeps the error", async () => {
  const { network, endpoint, emitted } = setUp();
  network.fail(ADDRESS, mismatch);
  await endpoint.connect();
  assert.ok(endpoint.lastFailure instanceof HandshakeError);
  const [event] = await emitted();
  assert.ok(event?.type === "handshake.failed");
  assert.deepEqual([event.reason, event.side, event.worker], [
    "identity-mismatch",
    "dispatcher",
    WORKER,
  ]);
});

Deno.test("Endpoint dials anew after GOAWAY, while calls in flight finish", async () => {
  const { network, endpoint } = setUp();
  await endpoint.connect();
  const [old] = network.links;
  old!.move("draining");
  assert.equal(endpoint.link, undefined);
  assert.equal(endpoint.state, "draining");
  assert.equal(await endpoint.connect(), true);
  assert.equal(old!.state, "draining");
  assert.equal(endpoint.link, network.links[1]);
});

Deno.test("Endpoint dials again at once where the worker moves on during the dial, but not for ever", async () => {
  const { network, endpoint } = setUp();
  network.sendsAway = 2;
  assert.equal(await endpoint.connect(), true);
  assert.equal(endpoint.link, network.links[2]);
  network.links[2]!.move("draining");
  network.sendsAway = 3;
  assert.equal(await endpoint.connect(), false);
  assert.equal(endpoint.state, "failing");
  assert.equal(network.dialled.length, 6);
});

Deno.test("Endpoint waits before it dials a worker that hung up at once", async () => {
  const { clock, network, endpoint } = setUp();
  await endpoint.connect();
  await clock.advanceInTurns(999);
  network.links[0]!.end("lost");
  await turn();
  assert.equal(endpoint.state, "failing");
  assert.ok(endpoint.lastFailure instanceof WorkerUnavailable);
});

Deno.test("Endpoint waits before it dials a worker that has just cut it off, though its socket lingers", async () => {
  const { clock, network, endpoint } = setUp();
  await endpoint.connect();
  const [link] = network.links;
  link!.move("closed");
  const asked = endpoint.connect();
  await clock.advanceInTurns(99);
  assert.equal(network.dialled.length, 1);
  await clock.advanceInTurns(1);
  assert.equal(await asked, true);
  // The end of the first connection changes nothing for the second.
  link!.end("violated");
  await turn();
  assert.equal(endpoint.link, network.links[1]);
});

Deno.test("Endpoint waits before it dials a worker that sends GOAWAY on each new connection", async () => {
  const { clock, network, endpoint } = setUp();
  for (let times = 1; times <= 3; times++) {
    assert.equal(await endpoint.connect(), true);
    network.links.at(-1)!.move("draining");
  }
  assert.equal(endpoint.state, "failing");
  assert.ok(endpoint.lastFailure instanceof WorkerUnavailable);
  const asked = endpoint.connect();
  await clock.advanceInTurns(100);
  assert.equal(await asked, true);
  // A connection that lasts resets the count.
  await clock.advanceInTurns(1_000);
  network.links.at(-1)!.move("draining");
  assert.equal(await endpoint.connect(), true);
  network.links.at(-1)!.move("draining");
  assert.equal(await endpoint.connect(), true);
});

Deno.test("Endpoint lets the waits grow for a worker that cuts off every connection", async () => {
  const { clock, network, endpoint } = setUp();
  await endpoint.connect();
  for (const wait of [100, 200, 400]) {
    network.links.at(-1)!.end("violated");
    await turn();
    assert.deepEqual(clock.delays, [wait]);
    await clock.advanceInTurns(wait);
    assert.equal(endpoint.state, "ready");
  }
});

Deno.test("Endpoint dials a worker at once after a connection of long standing was lost", async () => {
  const { clock, network, endpoint } = setUp();
  await endpoint.connect();
  await clock.advanceInTurns(1_000);
  network.links[0]!.end("lost");
  await turn();
  assert.equal(endpoint.state, "idle");
  assert.equal(await endpoint.connect(), true);
});

Deno.test("Endpoint leaves its connection for new credentials, and closes it only when drained", async () => {
  const { network, endpoint } = setUp();
  await endpoint.connect();
  endpoint.renew();
  const [old] = network.links;
  assert.equal(endpoint.link, undefined);
  assert.equal(old!.state, "draining");
  assert.equal(await endpoint.connect(), true);
  assert.notEqual(endpoint.link, old);
});

Deno.test("Endpoint cuts calls off at a worker that new credentials do not trust when the grace is over", async () => {
  const { clock, network, endpoint } = setUp();
  await endpoint.connect();
  const [old] = network.links;
  old!.trusted = false;
  endpoint.renew();
  await clock.advanceInTurns(24_999);
  assert.equal(old!.state, "draining");
  await clock.advanceInTurns(1);
  assert.equal(old!.state, "closed");
});

Deno.test("Endpoint cuts calls off at a worker that loses the trust after its connection was left", async () => {
  const { clock, network, endpoint } = setUp();
  network.validForMs = 60_000;
  await endpoint.connect();
  await endpoint.connect();
  endpoint.renew();
  await endpoint.connect();
  endpoint.renew();
  const [denied, expiring] = network.links;
  denied!.trusted = false;
  endpoint.renew();
  await clock.advanceInTurns(25_000);
  assert.deepEqual([denied!.state, expiring!.state], ["closed", "draining"]);
  expiring!.trusted = false;
  await clock.advanceInTurns(35_001);
  assert.equal(expiring!.state, "draining");
  await clock.advanceInTurns(25_000);
  assert.equal(expiring!.state, "closed");
});

Deno.test("Endpoint forgets its backoff for new credentials", async () => {
  const { network, endpoint } = setUp();
  network.fail(ADDRESS, mismatch);
  await endpoint.connect();
  network.restore(ADDRESS);
  endpoint.renew();
  assert.equal(await endpoint.connect(), true);
});

Deno.test("Endpoint does not use what it dialled with credentials that were replaced meanwhile", async () => {
  const { network, endpoint } = setUp();
  const release = network.hold(ADDRESS);
  const asked = endpoint.connect();
  await turn();
  endpoint.renew();
  release();
  assert.equal(await asked, true);
  assert.deepEqual(network.links.map(({ state }) => state), ["draining", "open"]);
});

Deno.test("Endpoint takes calls also where credentials change during every dial, on a connection that they prove", async () => {
  const { clock, network, endpoint } = setUp();
  network.during(ADDRESS, () => endpoint.renew());
  assert.equal(await endpoint.connect(), true);
  assert.deepEqual(network.links.map(({ state }) => state), ["draining", "draining", "open"]);
  assert.equal(endpoint.link, network.links[2]);
  await clock.advanceInTurns(250);
  assert.equal(network.links[2]!.state, "draining");
});

Deno.test("Endpoint uses no connection dialled with replaced credentials that the newest do not prove", async () => {
  const { clock, network, endpoint } = setUp();
  network.trusted = false;
  network.during(ADDRESS, () => endpoint.renew());
  assert.equal(await endpoint.connect(), false);
  assert.deepEqual(network.links.map(({ state }) => state), ["draining", "draining", "draining"]);
  assert.deepEqual([endpoint.state, endpoint.link], ["failing", undefined]);
  assert.ok(endpoint.lastFailure instanceof WorkerUnavailable);
  network.trusted = true;
  network.restore(ADDRESS);
  await clock.advanceInTurns(100);
  assert.equal(endpoint.link, network.links[3]);
});

Deno.test("Endpoint dials a failing worker three times at each shortest wait, however often credentials change", async () => {
  const { clock, network, endpoint, emitted } = setUp();
  network.during(ADDRESS, () => {
    endpoint.renew();
    throw mismatch();
  });
  assert.equal(await endpoint.connect(), false);
  assert.deepEqual([endpoint.state, network.dialled.length], ["failing", 3]);
  assert.ok(endpoint.lastFailure instanceof HandshakeError);
  for (const dials of [3, 6, 9]) {
    const asked: Promise<boolean>[] = [];
    for (let ms = 0; ms < 99; ms++) {
      endpoint.renew();
      asked.push(endpoint.connect());
      await clock.advanceInTurns(1);
    }
    assert.equal(network.dialled.length, dials);
    await clock.advanceInTurns(1);
    assert.deepEqual(new Set(await Promise.all(asked)), new Set([false]));
    assert.equal(network.dialled.length, dials + 3);
  }
  assert.equal((await emitted()).length, 4);
});

Deno.test("Endpoint dials a failing worker at once for new credentials twice, then after the shortest wait", async () => {
  const { clock, network, endpoint } = setUp();
  network.fail(ADDRESS, mismatch);
  await endpoint.connect();
  for (const dials of [2, 3]) {
    endpoint.renew();
    assert.equal(await endpoint.connect(), false);
    assert.equal(network.dialled.length, dials);
  }
  network.restore(ADDRESS);
  endpoint.renew();
  assert.equal(endpoint.state, "failing");
  assert.deepEqual(clock.delays, [100]);
  await clock.advanceInTurns(100);
  assert.equal(endpoint.state, "ready");
});

Deno.test("Endpoint replaces a connection at nine tenths to eleven tenths of its age", async () => {
  for (const [random, leavesAfter] of [[0, 900], [1, 1_100]] as const) {
    const { clock, network, endpoint } = setUp({ random: () => random, connectionAgeMs: 1_000 });
    await endpoint.connect();
    await clock.advanceInTurns(leavesAfter - 1);
    assert.equal(network.links[0]!.state, "open");
    await clock.advanceInTurns(1);
    assert.equal(network.links[0]!.state, "draining");
  }
});

Deno.test("Endpoint leaves a connection when the worker's certificate expires", async () => {
  const { clock, network, endpoint } = setUp();
  network.validForMs = 60_000;
  await endpoint.connect();
  await clock.advanceInTurns(59_999);
  assert.equal(endpoint.state, "ready");
  await clock.advanceInTurns(1);
  assert.equal(endpoint.link, undefined);
});

Deno.test("Endpoint leaves a worker whose certificate expires by a clock that was set forward, within a minute", async () => {
  const { clock, network, endpoint } = setUp();
  network.validForMs = 1_800_000;
  await endpoint.connect();
  clock.setBack(-1_800_000);
  await clock.advanceInTurns(60_000);
  assert.equal(endpoint.link, undefined);
});

Deno.test("Endpoint gives a call no connection whose certificate has expired, also where its timer is late", async () => {
  const { clock, network, endpoint } = setUp();
  network.validForMs = 60_000;
  await endpoint.connect();
  assert.equal(endpoint.linkForCall(), endpoint.link);
  clock.setBack(-60_001);
  assert.equal(endpoint.linkForCall(), undefined);
  assert.equal(network.links[0]!.state, "draining");
  await endpoint.connect();
  assert.equal(endpoint.linkForCall(), endpoint.link);
});

Deno.test("Endpoint that is removed drains, and dials no more", async () => {
  const { clock, network, endpoint } = setUp();
  await endpoint.connect();
  const removed = endpoint.remove();
  assert.equal(network.links[0]!.state, "draining");
  network.links[0]!.end("orderly");
  await removed;
  assert.equal(await endpoint.connect(), false);
  assert.deepEqual(clock.delays, []);
});
