import assert from "node:assert/strict";
import { type Announcement, etcdDiscovery } from "../../src/discovery/mod.ts";
import { EtcdClient, type EtcdMember } from "../../src/discovery/etcd/etcd_client.ts";
import { EtcdLease } from "../../src/discovery/etcd/etcd_lease.ts";
import { type Clock, systemClock } from "../../src/observe/mod.ts";
import { etcdProgram, EtcdServer } from "../support/etcd_server.ts";
import { HoldingProxy } from "../support/holding_proxy.ts";
import { Watched } from "../support/watched.ts";

const prefix = "selvage/workers/";
const { signal } = new AbortController();
const at = (port: number): Announcement => ({
  id: "a",
  address: `10.0.0.1:${port}`,
  tls: true,
  tags: [],
});

/**
 * A clock on which everything takes an eighth of its time. What is answered has to be answered by it, too: etcd writes to
 * the disk before it answers, and a busy machine takes its time.
 */
const clock: Clock = {
  now: () => systemClock.now(),
  steady: () => systemClock.steady(),
  schedule: (callback, delayMs, options) => systemClock.schedule(callback, delayMs / 8, options),
};

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: etcdProgram === undefined, fn });
}

/** A real etcd behind a proxy, who watches it without the proxy, and an announcement through it. */
async function setUp(stack: AsyncDisposableStack) {
  const server = stack.use(await EtcdServer.start());
  const proxy = stack.use(new HoldingProxy(server.port));
  const watched = stack.use(
    new Watched(etcdDiscovery({ endpoints: [server.endpoint], prefix })),
  );
  await watched.next();
  const client = new WatchedClient(proxy.port);
  const failed = Promise.withResolvers<void>();
  const lease = stack.use(
    await EtcdLease.announce({ client, prefix, clock }, at(1), {
      signal,
      onFailure: () => failed.resolve(),
    }),
  );
  await watched.until((known) => known.join() === "10.0.0.1:1");
  return { server, proxy, watched, client, lease, failed: failed.promise };
}

/** The worker has moved, and etcd has not seen it; `request` is on its way. */
async function setUpLateWrite(stack: AsyncDisposableStack) {
  const { server, proxy, watched, client, lease } = await setUp(stack);
  const writing = Promise.withResolvers<ReturnType<HoldingProxy["holdRequests"]>>();
  client.beforeWrite = () => writing.resolve(proxy.holdRequests());
  const late = assert.rejects(lease.update(at(2)));
  const request = await writing.promise;
  client.beforeWrite = undefined;
  await request.held;
  // No answer comes over that connection any more: the lease is kept, and the next write made, over another one.
  await late;
  return { server, watched, lease, request };
}

test("a write that etcd takes late, after a newer one, does not undo it", async () => {
  await using stack = new AsyncDisposableStack();
  const { server, watched, lease, request } = await setUpLateWrite(stack);
  await lease.update(at(3));
  await watched.until((known) => known.join() === "10.0.0.1:3");
  await request.release();
  await server.put(`${prefix}b`, JSON.stringify({ address: "10.0.0.1:9" }));
  await watched.until((known) => known.includes("10.0.0.1:9"));
  assert.deepEqual(watched.addresses, ["10.0.0.1:3", "10.0.0.1:9"]);
});

test("a write that etcd takes after the worker has left brings nothing back", async () => {
  await using stack = new AsyncDisposableStack();
  const { server, watched, lease, request } = await setUpLateWrite(stack);
  await lease[Symbol.asyncDispose]();
  await watched.until((known) => known.length === 0);
  await request.release();
  await server.put(`${prefix}b`, JSON.stringify({ address: "10.0.0.1:9" }));
  await watched.until((known) => known.length > 0);
  assert.deepEqual(watched.addresses, ["10.0.0.1:9"]);
});

test("a write whose answer never comes is done, and the next one is made over it", async () => {
  await using stack = new AsyncDisposableStack();
  const { proxy, watched, client, lease } = await setUp(stack);
  client.beforeWrite = () => proxy.holdAnswers();
  await assert.rejects(lease.update(at(2)));
  client.beforeWrite = undefined;
  await watched.until((known) => known.join() === "10.0.0.1:2");
  await lease.update(at(3));
  await watched.until((known) => known.join() === "10.0.0.1:3");
});

test("a lease whose keeping is not answered in time is kept over another connection, and the worker stays", async () => {
  await using stack = new AsyncDisposableStack();
  const { server, proxy, watched, failed } = await setUp(stack);
  const before = await leases(server);
  proxy.holdAnswers();
  await failed;
  // Over the connection that replaces the one before, the lease alone is kept.
  await proxy.answered();
  assert.deepEqual(await leases(server), before);
  assert.deepEqual(watched.addresses, ["10.0.0.1:1"]);
});

async function leases(server: EtcdServer): Promise<{ readonly ID: string }[]> {
  const { leases } = await server.gateway("lease/leases", {});
  return leases as { ID: string }[];
}

/** A client whose writes a test sees coming. */
class WatchedClient extends EtcdClient {
  beforeWrite: (() => void) | undefined;

  constructor(port: number) {
    super({
      endpoints: [{ kind: "tcp", host: "127.0.0.1", port }],
      credentials: undefined,
      identity: undefined,
      expectedAt: () => [],
      clock: systemClock,
    });
  }

  override async member(signal: AbortSignal): Promise<EtcdMember> {
    const member = await super.member(signal);
    const { txn } = member.kv;
    return {
      ...member,
      kv: {
        ...member.kv,
        txn: (...request) => {
          this.beforeWrite?.();
          return txn(...request);
        },
      },
    };
  }
}
