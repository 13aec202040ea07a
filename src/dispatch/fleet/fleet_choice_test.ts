import assert from "node:assert/strict";
import type { Endpoint } from "../endpoint/endpoint.ts";
import { A, address, B, C, setUp, unreachable } from "../../../tests/support/fake_fleet.ts";
import { turn } from "../../../tests/support/manual_clock.ts";

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
