import assert from "node:assert/strict";
import { Roster } from "./roster.ts";

const one = { address: "127.0.0.1:1", expected: "spiffe://a/worker/1" };
const two = { address: "127.0.0.1:2", expected: "spiffe://a/worker/2" };

Deno.test("Roster reports what it knows at the start, and then what comes and goes", async () => {
  const roster = new Roster();
  roster.set([one]);
  const changes = roster.watch(new AbortController().signal);
  assert.deepEqual((await changes.next()).value, [{ kind: "added", worker: one }]);
  roster.set([two]);
  assert.deepEqual((await changes.next()).value, [
    { kind: "removed", address: one.address },
    { kind: "added", worker: two },
  ]);
  await changes.return();
});

Deno.test("Roster reports a worker that took over a port as another one", async () => {
  const roster = new Roster();
  roster.set([one]);
  const changes = roster.watch(new AbortController().signal);
  await changes.next();
  const heir = { address: one.address, expected: "spiffe://a/worker/3" };
  roster.set([heir]);
  assert.deepEqual((await changes.next()).value, [
    { kind: "removed", address: one.address },
    { kind: "added", worker: heir },
  ]);
  await changes.return();
});

Deno.test("Roster begins with an empty batch and ends with its signal", async () => {
  const ending = new AbortController();
  const changes = new Roster().watch(ending.signal);
  assert.deepEqual((await changes.next()).value, []);
  const last = changes.next();
  ending.abort();
  assert.equal((await last).done, true);
});
