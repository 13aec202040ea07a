/** Answers of an etcd that lies: each ends in a failure that is reported once, and what was known stays in use. */
import assert from "node:assert/strict";
import { etcdDiscovery } from "../../src/discovery/mod.ts";
import { EtcdClient } from "../../src/discovery/etcd/etcd_client.ts";
import { EtcdLease } from "../../src/discovery/etcd/etcd_lease.ts";
import { discoveryFromUrl } from "../../src/discovery/mod.ts";
import { parseAddress } from "../../src/channel/mod.ts";
import { type Clock, systemClock } from "../../src/observe/mod.ts";
import { type EtcdAnswers, LyingEtcd } from "../support/lying_etcd.ts";
import { Watched } from "../support/watched.ts";

const prefix = "selvage/workers/";
const bytes = (text: string) => new TextEncoder().encode(text);
const header = { clusterId: 1n, revision: 1n };
const entry = (key: string, value: unknown) => ({
  key: bytes(prefix + key),
  value: bytes(typeof value === "string" ? value : JSON.stringify(value)),
});
const one = entry("a", { address: "10.0.0.1:1" });

/** Answers a watch with these, and then no more. */
const watching = (...responses: readonly object[]): NonNullable<EtcdAnswers["watch"]> => ({
  async *watch(requests) {
    yield* responses as readonly Record<string, never>[];
    for await (const _request of requests);
  },
});

async function watched(answers: EtcdAnswers, resources: AsyncDisposableStack): Promise<Watched> {
  const server = resources.use(await LyingEtcd.start(answers));
  return resources.use(new Watched(etcdDiscovery({ endpoints: [server.endpoint], prefix })));
}

Deno.test("etcd discovery gives up a list that does not end", async () => {
  await using resources = new AsyncDisposableStack();
  const page = { header, more: true, kvs: Array.from({ length: 5_000 }, () => one) };
  const known = await watched({ kv: { range: () => page } }, resources);
  await known.next();
  assert.match(known.failures[0]!, /lists more than 65536 keys/);
});

Deno.test("etcd discovery names some of the keys that hold no announcement, and counts the others", async () => {
  await using resources = new AsyncDisposableStack();
  const kvs = Array.from({ length: 400 }, (_, at) => entry(`bad${at}`, "no JSON"));
  const range = () => ({ header, kvs: [...kvs, one] });
  const events = kvs.map((kv) => ({ kv }));
  const known = await watched({ kv: { range }, watch: watching({ header, events }) }, resources);
  for (const batch of [1, 2]) {
    await known.next();
    assert.deepEqual(known.addresses, ["10.0.0.1:1"]);
    assert.equal(known.rejected.length, 17 * batch);
    assert.equal(known.rejected.at(-1), "384 more keys are no announcements");
  }
});

Deno.test("etcd discovery keeps what it knows whatever a watch answers, and reports a failure once", async () => {
  const lies: readonly (readonly [string, readonly object[], RegExp])[] = [
    ["no header", [{ events: [{ kv: one }] }], /without a header/],
    [
      "an end with control characters",
      [{ header, canceled: true, cancelReason: "\u001b[2J\nno" }],
      /has ended the watch: [ -~]*\[2J[ -~]*no$/,
    ],
    ["an impossible revision", [{ header: { ...header, revision: -9n } }, {}], /without a header/],
  ];
  for (const [lie, responses, failure] of lies) {
    await using resources = new AsyncDisposableStack();
    const range = () => ({ header, kvs: [one] });
    const known = await watched({ kv: { range }, watch: watching(...responses) }, resources);
    while (known.failures.length === 0) await known.next();
    assert.match(known.failures[0]!, failure, lie);
    assert.deepEqual(known.addresses, ["10.0.0.1:1"], lie);
  }
});

Deno.test("etcd discovery passes over events without a key, of keys that are not there, and of kinds that it does not know", async () => {
  await using resources = new AsyncDisposableStack();
  const events = [
    {},
    { type: 1, kv: entry("gone", "") },
    { type: 77, kv: entry("b", { address: "10.0.0.2:1" }) },
    { kv: { ...entry("c", ""), key: new Uint8Array([0xff, 0xfe]) } },
  ];
  const range = () => ({ header, kvs: [one] });
  const known = await watched({ kv: { range }, watch: watching({ header, events }) }, resources);
  await known.until((addresses) => addresses.length === 2);
  assert.deepEqual(known.addresses, ["10.0.0.1:1", "10.0.0.2:1"]);
  assert.equal(known.rejected.length, 1);
  assert.deepEqual(known.failures, []);
});

Deno.test("an announcement waits before it asks an etcd for a lease again that loses each at once", async () => {
  await using resources = new AsyncDisposableStack();
  const fifth = Promise.withResolvers<void>();
  let leases = 0;
  const server = resources.use(
    await LyingEtcd.start({
      kv: { range: () => ({ header, kvs: [] }), txn: () => ({ header, succeeded: true }) },
      lease: {
        leaseGrant: () => {
          if (++leases === 5) fifth.resolve();
          return { ID: BigInt(leases), TTL: 15n };
        },
        leaseRevoke: () => ({}),
        async *leaseKeepAlive() {
          yield { TTL: 0n };
        },
      },
    }),
  );
  const waits: number[] = [];
  const clock: Clock = {
    now: () => systemClock.now(),
    steady: () => systemClock.steady(),
    schedule(callback, delayMs, options) {
      // What an announcement waits for while it lives is longer.
      if (delayMs < 2_000) waits.push(delayMs);
      return systemClock.schedule(callback, delayMs / 50, options);
    },
  };
  const client = new EtcdClient({
    endpoints: [parseAddress(server.endpoint, "test")],
    credentials: undefined,
    identity: undefined,
    expectedAt: () => [],
    clock: systemClock,
  });
  const awake = setInterval(() => {}, 1_000);
  const announcement = { id: "a", address: "10.0.0.1:1", tls: true, tags: [] };
  {
    await using _lease = await EtcdLease.announce({ client, prefix, clock }, announcement, {
      signal: new AbortController().signal,
    });
    await fifth.promise;
  }
  clearInterval(awake);
  // One wait before each lease but the first two: that of the start, and the first one lost.
  assert.ok(waits.length >= 3, `${waits}`);
  assert.ok(waits.every((wait) => wait >= 50) && Math.max(...waits) >= 200, `${waits}`);
});

Deno.test("etcd discovery refuses a prefix that is not percent-encoded", () => {
  assert.throws(() => discoveryFromUrl("etcd:http://127.0.0.1:1/workers%zz"), {
    name: "ConfigurationError",
    message: /is not percent-encoded/,
  });
});
