import assert from "node:assert/strict";
import { ManualClock, turn } from "../../../tests/support/manual_clock.ts";
import type { EtcdClient, EtcdMember } from "./etcd_client.ts";
import { EtcdWatch } from "./etcd_watch.ts";

/** A member that lists one worker, and follows as `watch` does. */
function memberWith(watch: (signal: AbortSignal) => AsyncIterable<unknown>): EtcdMember {
  const header = { clusterId: 1n, revision: 7n };
  const key = new TextEncoder().encode("w/a");
  const value = new TextEncoder().encode('{"address":"10.0.0.1:1"}');
  return {
    kv: { range: () => Promise.resolve({ header, kvs: [{ key, value }], more: false }) },
    watch: { watch: (_: unknown, { signal }: { signal: AbortSignal }) => watch(signal) },
  } as unknown as EtcdMember;
}

Deno.test("EtcdWatch leaves a member that never begins its watch, and keeps the workers", async () => {
  const clock = new ManualClock();
  let left = 0;
  const stop = new AbortController();
  const member = memberWith(async function* (signal) {
    await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    yield undefined;
  });
  const client = {
    member: () => Promise.resolve(member),
    leave: () => left++,
  } as unknown as EtcdClient;
  const changes = new EtcdWatch({ client, prefix: "w/", clock }).changes(stop.signal);
  const first = await changes.next();
  assert.deepEqual(first.value, [{ kind: "added", worker: { address: "10.0.0.1:1" } }]);
  const second = changes.next();
  await turn();
  await clock.advanceInTurns(10_000);
  assert.deepEqual((await second).value, [
    { kind: "failed", message: "etcd has not begun the watch in time" },
  ]);
  const third = changes.next();
  await turn();
  assert.equal(left, 1);
  stop.abort();
  assert.equal((await third).done, true);
});
