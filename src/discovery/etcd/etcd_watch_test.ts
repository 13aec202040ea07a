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

/** A client of a member whose watch answers once, works for `worksMs`, and breaks off. */
function flapping(clock: ManualClock, worksMs: () => number): EtcdClient {
  const header = { clusterId: 1n, revision: 7n };
  const member = memberWith(async function* () {
    yield { header, events: [], canceled: false };
    clock.advance(worksMs());
    await turn();
    throw new Error("etcd is lost");
  });
  return { member: () => Promise.resolve(member), leave: () => {} } as unknown as EtcdClient;
}

Deno.test("EtcdWatch reports a member that answers and breaks off, again and again, ever less often", async () => {
  const clock = new ManualClock();
  const stop = new AbortController();
  let worksMs = 0;
  const changes = new EtcdWatch({ client: flapping(clock, () => worksMs), prefix: "w/", clock })
    .changes(stop.signal);
  await changes.next();
  /** Until it is reported once more, in milliseconds, without the time for which it worked. */
  const nextReport = async (): Promise<number> => {
    let waitMs = 0;
    while (true) {
      const next = changes.next();
      await turn();
      const [delay = 0] = clock.delays;
      waitMs += delay;
      await clock.advanceInTurns(delay);
      const { value } = await next;
      // Without changes: it answers again.
      if (value?.length === 0) continue;
      assert.deepEqual(value, [{ kind: "failed", message: "etcd is lost" }]);
      return waitMs;
    }
  };
  const waits: number[] = [];
  for (let report = 0; report < 9; report++) waits.push(await nextReport());
  assert.equal(waits[0], 0);
  assert.ok(waits.slice(7).every((waitMs) => waitMs >= 2_500 && waitMs <= 5_000), `${waits}`);
  // Once it has worked for a while the next wait is the shortest one again.
  worksMs = 5_000;
  await nextReport();
  const waitMs = await nextReport();
  assert.ok(waitMs <= 100, `${waitMs}`);
  stop.abort();
  assert.equal((await changes.next()).done, true);
});
