/** A watch of etcd that breaks off, a lease whose key cannot be written: nothing that happened meanwhile is lost. */
import assert from "node:assert/strict";
import { Code, ConnectError } from "@connectrpc/connect";
import { type Announcement, etcdDiscovery } from "../../src/discovery/mod.ts";
import { EtcdClient } from "../../src/discovery/etcd/etcd_client.ts";
import { MAX_ENTRIES } from "../../src/discovery/known_workers.ts";
import { parseAddress } from "../../src/channel/mod.ts";
import { systemClock } from "../../src/observe/mod.ts";
import { type EtcdAnswers, LyingEtcd } from "../support/lying_etcd.ts";
import { Watched } from "../support/watched.ts";

const prefix = "selvage/workers/";
const bytes = (text: string) => new TextEncoder().encode(text);
const { signal } = new AbortController();
const announcement: Announcement = { id: "a", address: "10.0.0.1:1", tls: true, tags: [] };

const EVENT_DELETE = 1;

/** One change of a store, at the revision that follows the one before it. */
type Change = { readonly put: string; readonly address: string } | { readonly delete: string };

/** What a watch delivers until it breaks off: that it is created, or so many events after that. */
type Broken = "created" | number;

/** What the last change says, which is made once a watch does not break off. */
const LAST = { put: "last", address: "10.0.0.9:1" } as const;

/** A store with a history, as etcd answers from it: it was listed at revision 1, and has gone on since. */
function storeOf(history: readonly Change[], broken: readonly Broken[]): EtcdAnswers {
  const changes = [...history];
  const left = [...broken];
  const header = () => ({ clusterId: 1n, revision: BigInt(changes.length) });
  const eventAt = (revision: number) => {
    const change = changes[revision - 1]!;
    const modRevision = BigInt(revision);
    if ("delete" in change) {
      return { type: EVENT_DELETE, kv: { key: bytes(prefix + change.delete), modRevision } };
    }
    const { put, address } = change;
    const value = bytes(JSON.stringify({ address }));
    return { kv: { key: bytes(prefix + put), value, modRevision } };
  };
  let listed = false;
  return {
    kv: {
      range() {
        const answer = { header: listed ? header() : { clusterId: 1n, revision: 1n } };
        listed = true;
        return { ...answer, kvs: [eventAt(1).kv] };
      },
    },
    watch: {
      async *watch(requests) {
        for await (const { requestUnion } of requests) {
          if (requestUnion.case !== "createRequest") continue;
          const from = Number(requestUnion.value.startRevision);
          const breaksOff = left.shift();
          if (breaksOff === undefined) changes.push(LAST);
          yield { header: header(), created: true };
          if (breaksOff === "created") return;
          const to = Math.min(changes.length, from - 1 + (breaksOff ?? Infinity));
          const revisions = Array.from(
            { length: Math.max(to - from + 1, 0) },
            (_, at) => from + at,
          );
          yield { header: header(), events: revisions.map(eventAt) };
          if (breaksOff !== undefined) return;
        }
      },
    },
  };
}

async function watched(answers: EtcdAnswers, resources: AsyncDisposableStack): Promise<Watched> {
  const server = resources.use(await LyingEtcd.start(answers));
  return resources.use(new Watched(etcdDiscovery({ endpoints: [server.endpoint], prefix })));
}

Deno.test("etcd discovery resumes behind the last event that it was told, wherever the watch broke off", async () => {
  const history: readonly Change[] = [
    { put: "a", address: "10.0.0.1:1" },
    { put: "b", address: "10.0.0.2:1" },
    { delete: "a" },
    { put: "c", address: "10.0.0.3:1" },
  ];
  for (const broken of [["created"], [1], [2], ["created", 1, "created", 1]] as const) {
    await using resources = new AsyncDisposableStack();
    const known = await watched(storeOf(history, broken), resources);
    await known.until((addresses) => addresses.includes(LAST.address));
    assert.deepEqual(known.addresses, ["10.0.0.2:1", "10.0.0.3:1", LAST.address], broken.join());
  }
});

Deno.test("etcd discovery works again once a prefix that held too many workers holds fewer", async () => {
  await using resources = new AsyncDisposableStack();
  const entry = (at: number) => ({
    key: bytes(`${prefix}${String(at).padStart(6, "0")}`),
    value: bytes(JSON.stringify({ address: `10.${at >> 16}.${at >> 8 & 255}.${at & 255}:1` })),
    modRevision: 2n,
  });
  const all = Array.from({ length: MAX_ENTRIES }, (_, at) => entry(at));
  const few = all.slice(0, 3);
  const header = (revision: bigint) => ({ clusterId: 1n, revision });
  let overflown = false;
  const known = await watched({
    kv: {
      range({ key, limit }) {
        if (limit === 1n || overflown) return { header: header(9n), kvs: few };
        const from = all.findIndex((one) => text(one.key) >= text(key));
        const kvs = all.slice(from, from + 8_192);
        return { header: header(1n), kvs, more: from + kvs.length < all.length };
      },
    },
    watch: {
      async *watch(requests) {
        for await (const _request of requests) {
          if (overflown) yield { header: header(9n), created: true };
          else {
            overflown = true;
            const gone = { type: EVENT_DELETE, kv: all[0]! };
            const events = [gone, { kv: entry(MAX_ENTRIES) }, { kv: entry(MAX_ENTRIES + 1) }];
            yield { header: header(4n), events };
          }
        }
      },
    },
  }, resources);
  await known.until((addresses) => addresses.length === MAX_ENTRIES);
  await known.until((addresses) => !addresses.includes("10.0.0.0:1"));
  await known.until((addresses) => addresses.length === few.length);
  assert.match(known.failures.join(), /^it holds more than 65536 workers/);
});

Deno.test("an announcement whose key cannot be written under its new lease is written again", async () => {
  await using resources = new AsyncDisposableStack();
  const written = Promise.withResolvers<bigint>();
  const failures: string[] = [];
  let [leases, writes] = [0, 0];
  const server = resources.use(
    await LyingEtcd.start({
      kv: {
        range: () => ({ header: { clusterId: 1n, revision: 1n }, kvs: [] }),
        txn({ success: [operation] }) {
          if (++writes === 2) throw new ConnectError("request timed out", Code.Unavailable);
          const { request } = operation!;
          if (writes === 3 && request.case === "requestPut") written.resolve(request.value.lease);
          return { succeeded: true };
        },
      },
      lease: {
        leaseGrant: () => ({ ID: BigInt(++leases), TTL: 15n }),
        leaseRevoke: () => ({}),
        async *leaseKeepAlive(requests) {
          // The first lease is lost at once; the others live.
          for await (const { ID } of requests) yield { ID, TTL: ID === 1n ? 0n : 15n };
        },
      },
    }),
  );
  const { announce } = etcdDiscovery({ endpoints: [server.endpoint], prefix });
  const awake = setInterval(() => {}, 1_000);
  resources.defer(() => clearInterval(awake));
  resources.use(
    await announce(announcement, { signal, onFailure: (message) => failures.push(message) }),
  );
  assert.equal(await written.promise, BigInt(leases));
  assert.match(failures.join(), /^\[unavailable\] request timed out$/);
});

Deno.test("what is asked of etcd at once while it is not connected shares one connection", async () => {
  await using server = await LyingEtcd.start({});
  await using client = new EtcdClient({
    endpoints: [parseAddress(server.endpoint, "test")],
    credentials: undefined,
    identity: undefined,
    expectedAt: () => [],
    clock: systemClock,
  });
  const members = await Promise.all([1, 2, 3].map(() => client.member(signal)));
  assert.equal(new Set(members).size, 1);
});

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
