import assert from "node:assert/strict";
import { AffinityOwners } from "./affinity.ts";
import type { Endpoint } from "../endpoint/endpoint.ts";
import { rendezvousScore } from "./rendezvous.ts";

const endpoint = (address: string) =>
  ({ state: "ready", worker: { address }, tags: [] }) as unknown as Endpoint;

Deno.test("AffinityOwners finds who has the highest score, and moves only what a change concerns", () => {
  const owners = new AffinityOwners();
  const members = Array.from({ length: 50 }, (_, n) => endpoint(`10.0.0.${n}:1`));
  for (const member of members) owners.update(member);
  const keys = Array.from({ length: 500 }, (_, n) => `tenant-${n}`);
  const owned = () => new Map(keys.map((key) => [key, owners.owner(key, {})]));
  const before = owned();
  for (const [key, owner] of before) {
    const scores = members.map((one) => rendezvousScore(key, one.worker.address));
    assert.equal(owner, members[scores.indexOf(Math.max(...scores))]);
  }
  const gone = members[7]!;
  owners.remove(gone);
  for (const [key, owner] of owned()) {
    if (before.get(key) === gone) assert.notEqual(owner, gone);
    else assert.equal(owner, before.get(key));
  }
  owners.update(gone);
  assert.deepEqual(owned(), before);
});

Deno.test("AffinityOwners passes over one that fails, and takes it back", () => {
  const owners = new AffinityOwners();
  const [one, other] = [endpoint("a:1"), endpoint("b:1")];
  for (const member of [one, other]) owners.update(member);
  const owner = owners.owner("key", {})!;
  Object.assign(owner, { state: "failing" });
  owners.update(owner);
  assert.equal(owners.owner("key", {}), owner === one ? other : one);
  assert.equal(
    owners.owner("key", {}, new Map([[other, new Error()], [one, new Error()]])),
    undefined,
  );
  Object.assign(owner, { state: "ready" });
  owners.update(owner);
  assert.equal(owners.owner("key", {}), owner);
});
