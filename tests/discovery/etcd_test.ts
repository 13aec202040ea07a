import assert from "node:assert/strict";
import { createAuthority, Credentials } from "../../src/credentials/mod.ts";
import { type Announcement, discoveryFromUrl, etcdDiscovery } from "../../src/discovery/mod.ts";
import { EtcdClient } from "../../src/discovery/etcd/etcd_client.ts";
import { EtcdLease } from "../../src/discovery/etcd/etcd_lease.ts";
import { ConfigurationError } from "../../src/errors/mod.ts";
import { type Clock, systemClock } from "../../src/observe/mod.ts";
import { checkDiscovery } from "../../src/testing/mod.ts";
import { etcdProgram, EtcdServer, leaderOf, startCluster } from "../support/etcd_server.ts";
import { Watched } from "../support/watched.ts";

const prefix = "selvage/workers/";
const worker = (port: number) => JSON.stringify({ address: `10.0.0.1:${port}` });
const { signal } = new AbortController();
const announcement: Announcement = { id: "a", address: "10.0.0.1:1", tls: true, tags: [] };

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: etcdProgram === undefined, fn });
}

test("etcd discovery keeps to the contract of discoveries", async () => {
  await using server = await EtcdServer.start();
  await checkDiscovery(() => discoveryFromUrl(`etcd:http://${server.endpoint}/${prefix}`), {
    withinMs: 60_000,
  });
});

test("etcd discovery drops a worker whose lease has ended, and rejects what is no announcement", async () => {
  await using server = await EtcdServer.start();
  await server.put("selvage/other/x", worker(9));
  await server.put(`${prefix}bad`, "no JSON");
  const { ID } = await server.gateway("lease/grant", { TTL: 600 });
  await server.put(`${prefix}dying`, worker(1), String(ID));
  await server.put(`${prefix}staying`, worker(2));
  await using watched = new Watched(etcdDiscovery({ endpoints: [server.endpoint], prefix }));
  await watched.next();
  assert.deepEqual(watched.addresses, ["10.0.0.1:1", "10.0.0.1:2"]);
  assert.match(watched.rejected[0]!, /^the key selvage\/workers\/bad is no announcement/);
  // As etcd itself does when it has run out.
  await server.gateway("lease/revoke", { ID });
  await watched.until((known) => known.length === 1);
  assert.deepEqual(watched.addresses, ["10.0.0.1:2"]);
});

test("etcd discovery keeps its workers while etcd is killed, and goes on where it was", async () => {
  await using server = await EtcdServer.start();
  await server.put(`${prefix}a`, worker(1));
  await using watched = new Watched(etcdDiscovery({ endpoints: [server.endpoint], prefix }));
  await watched.next();
  await server.kill();
  assert.deepEqual((await watched.next()).map(({ kind }) => kind), ["failed"]);
  assert.deepEqual(watched.addresses, ["10.0.0.1:1"]);
  await server.restart();
  await server.put(`${prefix}b`, worker(2));
  await watched.until((known) => known.length === 2);
  await server.gateway("kv/deleterange", { key: btoa(`${prefix}a`) });
  await watched.until((known) => known.length === 1);
  assert.equal(watched.failures.length, 1);
});

test("etcd discovery keeps its workers and its announcement while etcd shuts down in order, and goes on", async () => {
  await using server = await EtcdServer.start();
  const open = () => etcdDiscovery({ endpoints: [server.endpoint], prefix });
  await using watched = new Watched(open());
  await watched.next();
  await using _lease = await open().announce(announcement, { signal });
  await watched.until((known) => known.length === 1);
  await server.terminate();
  await server.restart();
  await server.put(`${prefix}b`, worker(2));
  await watched.until((known) => known.length === 2);
  assert.deepEqual(watched.addresses, ["10.0.0.1:1", "10.0.0.1:2"]);
});

test("etcd discovery reads all anew where what it missed is compacted", async () => {
  await using server = await EtcdServer.start();
  await server.put(`${prefix}a`, worker(1));
  await using watched = new Watched(etcdDiscovery({ endpoints: [server.endpoint], prefix }));
  await watched.next();
  // Nobody reads the watch meanwhile, so that it misses all this.
  await server.kill();
  await server.restart();
  await server.gateway("kv/deleterange", { key: btoa(`${prefix}a`) });
  for (const port of [2, 3]) await server.put(`${prefix}${port}`, worker(port));
  const { header } = await server.gateway("kv/range", { key: btoa("x") });
  await server.gateway("kv/compaction", { revision: (header as { revision: string }).revision });
  await watched.until((known) => known.join() === "10.0.0.1:2,10.0.0.1:3");
});

test("etcd discovery announces again where the lease is lost, and leaves alone what it does not hold", async () => {
  await using server = await EtcdServer.start();
  const clock = quick(systemClock, 8);
  const client = new EtcdClient({
    endpoints: [{ kind: "tcp", host: "127.0.0.1", port: server.port }],
    credentials: undefined,
    identity: undefined,
    expectedAt: () => [],
    clock: systemClock,
  });
  await using watched = new Watched(etcdDiscovery({ endpoints: [server.endpoint], prefix }));
  await watched.next();
  await using _lease = await EtcdLease.announce(
    { client, prefix, clock },
    announcement,
    { signal },
  );
  await watched.until((known) => known.length === 1);
  const { leases } = await server.gateway("lease/leases", {}) as { leases: { ID: string }[] };
  assert.equal(leases.length, 1);
  await server.gateway("lease/revoke", { ID: leases[0]!.ID });
  await watched.until((known) => known.length === 0);
  await watched.until((known) => known.length === 1);
});

test("etcd discovery follows and announces on, where the leader of three is killed", async () => {
  await using stack = new AsyncDisposableStack();
  const members = await startCluster();
  for (const member of members) stack.use(member);
  const leader = await leaderOf(members);
  const others = members.filter((member) => member !== leader);
  // The leader comes first, and is where a client is connected that begins with it.
  const endpoints = [leader, ...others].map(({ endpoint }) => endpoint);
  const open = () => etcdDiscovery({ endpoints, prefix });
  await using watched = new Watched(open());
  await watched.next();
  const leases = await Promise.all(
    ["a", "b", "c", "d"].map((id, at) =>
      open().announce({ ...announcement, id, address: `10.0.0.1:${at + 1}` }, { signal })
    ),
  );
  for (const lease of leases) stack.use(lease);
  await watched.until((known) => known.length === 4);
  await leader.kill();
  // A write at the moment when there is no leader is lost in the middle of etcd.
  while (!await others[0]!.put(`${prefix}late`, worker(9)).then(() => true, () => false));
  await watched.until((known) => known.length === 5);
  await leases[0]!.update({ ...announcement, id: "a", address: "10.0.0.1:7" });
  await watched.until((known) => known.includes("10.0.0.1:7"));
  assert.equal(watched.addresses.length, 5);
});

test("etcd discovery keeps its workers while the leader of three is frozen, and asks another member", async () => {
  await using stack = new AsyncDisposableStack();
  const members = await startCluster();
  for (const member of members) stack.use(member);
  const leader = await leaderOf(members);
  const [other] = members.filter((member) => member !== leader);
  await leader.put(`${prefix}a`, worker(1));
  const endpoints = members.map(({ endpoint }) => endpoint);
  await using bound = new Watched(etcdDiscovery({ endpoints: [leader.endpoint], prefix }));
  await using free = new Watched(etcdDiscovery({ endpoints, prefix }));
  for (const watched of [bound, free]) await watched.until((known) => known.length === 1);
  leader.signal("SIGSTOP");
  while (!await other!.put(`${prefix}b`, worker(2)).then(() => true, () => false));
  // Its member answers no PING for 15 s.
  await Promise.all([
    free.until((known) => known.length === 2),
    (async () => {
      while (bound.failures.length === 0) await bound.next();
    })(),
  ]);
  assert.deepEqual(bound.addresses, ["10.0.0.1:1"]);
  leader.signal("SIGCONT");
  await bound.until((known) => known.length === 2);
});

test("etcd discovery speaks mutual TLS, and verifies who etcd is", async () => {
  const authority = createAuthority();
  const folder = await Deno.makeTempDir();
  const files: Record<string, string> = { "ca.pem": "" };
  for (const name of ["server", "client"]) {
    const issued = authority.issue({ name, dns: ["localhost"], spiffe: `spiffe://x/${name}` });
    files["ca.pem"] = issued.caPem;
    files[`${name}.pem`] = issued.certPem;
    files[`${name}.key`] = issued.keyPem;
  }
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${folder}/${name}`, text);
  }
  await using server = await EtcdServer.start({
    tls: true,
    flags: [
      `--cert-file=${folder}/server.pem`,
      `--key-file=${folder}/server.key`,
      `--trusted-ca-file=${folder}/ca.pem`,
      "--client-cert-auth",
    ],
  });
  const own = `ca=${folder}/ca.pem&cert=${folder}/client.pem&key=${folder}/client.key`;
  const url = `etcd:https://${server.endpoint}/${prefix}?${own}`;
  const open = () => discoveryFromUrl(`${url}&identity=spiffe://x/server`);
  await checkDiscovery(open, { withinMs: 60_000 });
  // Over TLS a server that shuts down ends the streams without a status.
  {
    await using watched = new Watched(open());
    await using _lease = await open().announce!(announcement, { signal });
    await watched.until((known) => known.length === 1);
    await server.terminate();
    await server.restart();
    await using _other = await open().announce!(
      { ...announcement, id: "b", address: "10.0.0.1:2" },
      { signal },
    );
    await watched.until((known) => known.length === 2);
    assert.deepEqual(watched.addresses, ["10.0.0.1:1", "10.0.0.1:2"]);
  }
  await using wrong = new Watched(discoveryFromUrl(`${url}&identity=spiffe://x/other`));
  await wrong.next();
  assert.match(wrong.failures[0]!, /identity-mismatch/);
  const stranger = createAuthority().issue({ name: "s", dns: ["localhost"] });
  const credentials = Credentials.fromPem({
    ca: stranger.caPem,
    cert: stranger.certPem,
    key: stranger.keyPem,
  });
  const foreign = etcdDiscovery({ endpoints: [server.endpoint], prefix, credentials });
  await assert.rejects(foreign.announce(announcement, { signal }));
  await Deno.remove(folder, { recursive: true });
});

Deno.test("an etcd that cannot be reached is called etcd, not a worker", async () => {
  await using client = new EtcdClient({
    endpoints: [{ kind: "tcp", host: "127.0.0.1", port: 1 }],
    credentials: undefined,
    identity: undefined,
    expectedAt: () => [],
    clock: systemClock,
  });
  await assert.rejects(
    client.member(new AbortController().signal),
    /^WorkerUnavailable: etcd 127\.0\.0\.1:1 cannot be reached/,
  );
});

Deno.test("an etcd: URL names endpoints, a prefix, and over https whom to trust", () => {
  const { source } = discoveryFromUrl("etcd:http://a:1,b:2/x/y/");
  assert.equal(source, "etcd:http://a:1,b:2/x/y/");
  for (
    const url of [
      "etcd:a:1/x",
      "etcd:http://a:1",
      "etcd:http://a:1/",
      "etcd:http:///x",
      "etcd:http://a:1/x?ca=f",
      "etcd:https://a:1/x",
      "etcd:https://a:1/x?ca=f&user=u",
    ]
  ) assert.throws(() => discoveryFromUrl(url), ConfigurationError, url);
});

/** A clock on which everything takes a fraction of its time. */
function quick(clock: Clock, times: number): Clock {
  return {
    now: () => clock.now(),
    steady: () => clock.steady(),
    schedule: (callback, delayMs, options) => clock.schedule(callback, delayMs / times, options),
  };
}
