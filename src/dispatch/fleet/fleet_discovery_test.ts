import assert from "node:assert/strict";
import {
  A,
  address,
  B,
  C,
  setUp,
  setUpLeased,
  setUpOver,
  unreachable,
} from "../../../tests/support/fake_fleet.ts";
import { turn } from "../../../tests/support/manual_clock.ts";

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

Deno.test("Fleet waits no longer than 5 s for a discovery that does not end with its signal", async () => {
  const { promise: never } = Promise.withResolvers<void>();
  const { clock, fleet } = setUpOver({
    source: "stubborn:",
    namesWorkers: false,
    async *watch() {
      yield [];
      await never;
    },
  }, 3);
  await turn();
  let isClosed = false;
  const closing = fleet.close(0).then(() => isClosed = true);
  await clock.advanceInTurns(4_999);
  assert.equal(isClosed, false);
  await clock.advanceInTurns(1);
  await closing;
  assert.deepEqual(clock.delays, []);
});

Deno.test("Fleet rejects workers without an address that can be dialled, and uses the others", async () => {
  const { discovery, fleet, events } = setUp(A);
  await fleet.ready(1);
  const wrong = ["10.0.0.9:99999", "10.0.0.9\u001b[2J:1", "", "nowhere"];
  discovery.push(...wrong.map((address) => ({ kind: "added" as const, worker: { address } })));
  discovery.push({ kind: "added", worker: { address: B } });
  const messages: string[] = [];
  for await (const event of events) {
    if (event.type === "discovery.rejected") messages.push(event.message);
    if (messages.length === wrong.length) break;
  }
  assert.match(messages[0]!, /^"10\.0\.0\.9:99999" is not an address/);
  assert.match(messages[1]!, /^"10\.0\.0\.9\\+u001b\[2J:1" is not an address/);
  await fleet.ready(2);
  assert.deepEqual(fleet.endpoints.map(address), [A, B]);
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
