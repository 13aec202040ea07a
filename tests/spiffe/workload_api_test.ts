import { Code, ConnectError } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { join } from "node:path";
import { parseAddress } from "../../src/channel/mod.ts";
import { type CredentialsSource, openCredentials } from "../../src/credentials/mod.ts";
import { ConfigurationError } from "../../src/errors/mod.ts";
import { parsePattern } from "../../src/identity/mod.ts";
import { listenForPeers } from "../../src/peer/mod.ts";
import { systemClock } from "../../src/observe/mod.ts";
import { Credentials, type WorkloadApiOptions } from "../../src/spiffe/mod.ts";
import { answering, dialAs, handshakeErrorOf } from "../support/peers.ts";
import { makeDomain, svid } from "./fake_agent.ts";
import { Machine, PauseClock } from "./machine.ts";

const example = makeDomain("example.org");
const partner = makeDomain("partner.test");
const worker = () => ({ svids: [svid(example, "worker")] });

const nameOf = (source: CredentialsSource) => source.current().own?.summary.names[0];

Deno.test("Credentials.spiffeWorkloadApi() gives the identity that the agent gives", async () => {
  await using machine = new Machine();
  await using _agent = await machine.agent(worker());
  await using source = await machine.open();
  const { generation, mode } = source.current();
  assert.deepEqual([nameOf(source), generation, mode], [
    "spiffe://example.org/worker",
    1,
    "mutual",
  ]);
  assert.deepEqual(machine.observer.events, []);
});

Deno.test("Credentials.spiffeWorkloadApi() asks the socket that SPIFFE_ENDPOINT_SOCKET names", async () => {
  await using machine = new Machine();
  await using _agent = await machine.agent(worker());
  const credentials = Credentials.spiffeWorkloadApi();
  await assert.rejects(credentials.open(), /SPIFFE_ENDPOINT_SOCKET is not set/);
  Deno.env.set("SPIFFE_ENDPOINT_SOCKET", `unix://${machine.socket}`);
  try {
    await using source = await credentials.open();
    assert.equal(nameOf(source), "spiffe://example.org/worker");
  } finally {
    Deno.env.delete("SPIFFE_ENDPOINT_SOCKET");
  }
});

Deno.test("Credentials.spiffeWorkloadApi() takes up every new identity and bundle the agent sends", async () => {
  await using machine = new Machine();
  await using agent = await machine.agent(worker());
  await using source = await machine.open();
  const before = source.current();
  const next = worker();
  agent.give(next);
  const [rotated] = await machine.observer.until("credentials.rotated");
  assert.equal(rotated?.generation, 2);
  assert.equal(rotated?.previousFingerprint, before.fingerprint);
  agent.give({ ...next, federatedBundles: { "spiffe://partner.test": partner.root.der } });
  await machine.observer.until("credentials.rotated", 2);
  assert.equal(source.current().anchors?.all.length, 2);
  agent.give(next);
  await machine.observer.until("credentials.rotated", 3);
  assert.equal(source.current().anchors?.all.length, 1);
});

Deno.test("Credentials.spiffeWorkloadApi() takes trust away while our identity has expired, and no other such identity", async () => {
  await using machine = new Machine();
  const brief = { notAfter: machine.clock.now() + 2_000 };
  const given = { svids: [svid(example, "worker", brief)] };
  const federatedBundles = { "spiffe://partner.test": partner.root.der };
  await using agent = await machine.agent({ ...given, federatedBundles });
  await using source = await machine.open();
  assert.equal(source.current().anchors?.all.length, 2);
  machine.clock.advance(4_000);
  agent.give({ svids: [svid(example, "worker", brief)] });
  const [rejected] = await machine.observer.until("credentials.rejected");
  assert.deepEqual([rejected?.reason, rejected?.keptExpired], ["expired", true]);
  assert.equal(source.current().anchors?.all.length, 2);
  agent.give(given);
  await machine.observer.until("credentials.rotated");
  assert.equal(source.current().anchors?.all.length, 1);
});

Deno.test("Credentials.spiffeWorkloadApi() takes the identity that is asked for among several", async () => {
  await using machine = new Machine();
  const svids = [svid(example, "worker"), svid(example, "edge", { hint: "external" })];
  await using _agent = await machine.agent({ svids });
  await using byHint = await machine.open({ hint: "external" });
  await using byId = await machine.open({ id: "spiffe://example.org/edge" });
  assert.equal(nameOf(byHint), "spiffe://example.org/edge");
  assert.equal(byId.current().fingerprint, byHint.current().fingerprint);
});

Deno.test("Credentials.spiffeWorkloadApi() waits for an agent and for an identity", async () => {
  await using machine = new Machine();
  const opening = machine.open();
  const [absent] = await machine.observer.until("credentials.rejected");
  assert.equal(absent?.reason, "provider-failed");
  assert.match(absent.message, /no connection to unix:.*ENOENT/);
  await using agent = await machine.agent(
    new ConnectError("no identity issued", Code.PermissionDenied),
  );
  machine.retry();
  const [, denied] = await machine.observer.until("credentials.rejected", 2);
  assert.match(denied?.message ?? "", /\[permission_denied\] no identity issued/);
  assert.equal(denied?.keptGeneration, undefined);
  agent.give(worker());
  machine.retry();
  await using source = await opening;
  assert.equal(nameOf(source), "spiffe://example.org/worker");
});

Deno.test("Credentials.spiffeWorkloadApi() gives up after waitMs with what it last heard", async () => {
  await using machine = new Machine();
  await using _agent = await machine.agent(
    new ConnectError("no identity\u001b[31m issued", Code.PermissionDenied),
  );
  const opening = machine.open({ waitMs: 1000 });
  await machine.observer.until("credentials.rejected");
  machine.clock.advance(1000);
  await assert.rejects(opening, (error: Error) => {
    assert.ok(error instanceof ConfigurationError);
    assert.match(error.message, /\[permission_denied\] no identity\\u001b\[31m issued/);
    return true;
  });
  assert.equal(machine.clock.pending, 0);
});

Deno.test("Credentials.spiffeWorkloadApi() stops waiting with its caller's reason", async () => {
  await using machine = new Machine();
  const giveUp = new AbortController();
  const opening = machine.open({}, { signal: giveUp.signal });
  await machine.observer.until("credentials.rejected");
  giveUp.abort(new RangeError("enough"));
  await assert.rejects(opening, RangeError);
  await assert.rejects(machine.open({}, { signal: giveUp.signal }), RangeError);
  assert.equal(machine.clock.pending, 0);
});

Deno.test("Credentials.spiffeWorkloadApi() does not wait where asking again is of no use", async () => {
  for (const code of [Code.InvalidArgument, Code.Unimplemented]) {
    await using machine = new Machine();
    await using _agent = await machine.agent(new ConnectError("never", code));
    await assert.rejects(machine.open(), ConfigurationError);
  }
});

Deno.test("Credentials.spiffeWorkloadApi() keeps the last good ones while the agent is away, and finds it again", async () => {
  await using machine = new Machine();
  const given = worker();
  const first = await machine.agent(given);
  await using source = await machine.open();
  const { fingerprint } = source.current();
  await first[Symbol.asyncDispose]();
  const [lost] = await machine.observer.until("credentials.rejected");
  assert.equal(lost?.keptGeneration, 1);
  assert.equal(lost.keptExpired, false);
  machine.retry();
  const [, absent] = await machine.observer.until("credentials.rejected", 2);
  assert.match(absent?.message ?? "", /no connection/);
  assert.equal(source.current().fingerprint, fingerprint);
  await using second = await machine.agent(given);
  machine.retry();
  second.give(worker());
  await machine.observer.until("credentials.rotated");
  assert.equal(source.current().generation, 2);
  assert.equal(second.streams, 1);
});

Deno.test("Credentials.spiffeWorkloadApi() keeps the last good ones when the identity is withdrawn", async () => {
  await using machine = new Machine();
  await using agent = await machine.agent(worker());
  await using source = await machine.open();
  agent.give(new ConnectError("no identity issued", Code.PermissionDenied));
  const [denied] = await machine.observer.until("credentials.rejected");
  assert.match(denied?.message ?? "", /permission_denied/);
  assert.equal(source.current().generation, 1);
});

Deno.test("Credentials.spiffeWorkloadApi() asks ever more rarely, and afresh once it was answered", async () => {
  await using machine = new Machine();
  await using agent = await machine.agent(new ConnectError("busy", Code.Unavailable));
  const clock = new PauseClock();
  const opening = machine.open({ waitMs: 3_600_000 }, { clock });
  const full = [200, 400, 800, 1600, 3200, 5000, 5000];
  for (const [index, most] of full.entries()) {
    const pause = await clock.pause(index + 1);
    assert.ok(pause >= most / 2 && pause < most, `${pause} ms after ${index + 1} failures`);
    if (index === full.length - 1) agent.give(worker());
    clock.advance(most);
  }
  await using _source = await opening;
  agent.give(new ConnectError("busy", Code.Unavailable));
  assert.ok(await clock.pause(full.length + 1) < 200);
});

Deno.test("Credentials.spiffeWorkloadApi() refuses torn and foreign material and takes what comes next", async () => {
  await using machine = new Machine();
  await using agent = await machine.agent(worker());
  await using source = await machine.open();
  const good = svid(example, "worker");
  const bad = [
    { ...good, x509Svid: good.x509Svid.subarray(0, 100) },
    { ...good, x509SvidKey: svid(example, "other").x509SvidKey },
    { ...good, spiffeId: "spiffe://example.org/admin" },
    { ...good, bundle: new Uint8Array([0x30, 1, 0]) },
  ];
  for (const [index, one] of bad.entries()) {
    agent.give({ svids: [one] });
    await machine.observer.until("credentials.rejected", index + 1);
  }
  const reasons = machine.observer.of("credentials.rejected").map(({ reason }) => reason);
  assert.deepEqual(reasons, ["malformed", "key-mismatch", "malformed", "malformed"]);
  assert.equal(source.current().generation, 1);
  agent.give({ svids: [good] });
  await machine.observer.until("credentials.rotated");
  assert.equal(agent.streams, 1);
});

Deno.test("Credentials.spiffeWorkloadApi() takes ours although a federated bundle is of no use", async () => {
  await using machine = new Machine();
  const federatedBundles = { "spiffe://partner.test": new Uint8Array([1, 2, 3]) };
  await using _agent = await machine.agent({ ...worker(), federatedBundles });
  await using source = await machine.open();
  const [rejected] = await machine.observer.until("credentials.rejected");
  assert.equal(
    rejected?.message,
    "ca: the federated bundle of spiffe://partner.test: it is not DER; nobody is trusted by it",
  );
  assert.equal(rejected.keptGeneration, 1);
  assert.equal(source.current().anchors?.all.length, 1);
});

Deno.test("Credentials.spiffeWorkloadApi() leaves the agent when it is disposed of", async () => {
  await using machine = new Machine();
  await using agent = await machine.agent(worker());
  const source = await machine.open();
  await source[Symbol.asyncDispose]();
  agent.give(worker());
  assert.equal(source.current().generation, 1);
  assert.equal(machine.clock.pending, 0);
});

Deno.test("Credentials.spiffeWorkloadApi() refuses options that make no sense", () => {
  const cases: [WorkloadApiOptions, string][] = [
    [{ socket: "" }, "socket"],
    [{ socket: "tcp://127.0.0.1:1" }, "socket"],
    [{ id: "worker" }, "id"],
    [{ id: "spiffe://example.org" }, "id"],
    [{ hint: "" }, "hint"],
    [{ waitMs: 0 }, "waitMs"],
    [{ waitMs: NaN }, "waitMs"],
  ];
  for (const [options, setting] of cases) {
    assert.throws(
      () => Credentials.spiffeWorkloadApi(options),
      (error) => error instanceof ConfigurationError && error.setting === setting,
    );
  }
});

Deno.test("peers of federated domains meet, and neither root vouches for the other domain", async () => {
  await using machine = new Machine();
  await using _agent = await machine.agent({
    ...worker(),
    federatedBundles: { "spiffe://partner.test": partner.root.der },
  });
  await using source = await machine.open();
  await using listener = await listenForPeers(parseAddress("127.0.0.1:0"), {
    workerId: "worker-1",
    credentials: source,
    allow: [parsePattern("spiffe://partner.test/**"), parsePattern("spiffe://example.org/**")],
    onPeer: answering,
  });
  const dial = (certificate: ReturnType<typeof svid>["certificate"]) =>
    dialAs({ certificate, trusts: [example.root] }, listener.address);
  const theirs = await dial(svid(partner, "client").certificate);
  assert.equal(theirs.identity?.name, "spiffe://example.org/worker");
  await theirs.connection.shutdown();
  const impostor = svid({ name: "example.org", root: partner.root }, "admin");
  const error = await handshakeErrorOf(dial(impostor.certificate));
  assert.equal(error.reason, "client-certificate-refused");
  assert.equal(error.peerReason, "untrusted-authority");
});

Deno.test("a denylist beside an agent's identity refuses a peer, also while the agent is away", async () => {
  await using machine = new Machine();
  const { socket, observer, folder } = machine;
  const denylist = join(folder, "denylist.json");
  await Deno.writeTextFile(denylist, "{}");
  await using resources = new AsyncDisposableStack();
  const agent = await machine.agent(worker());
  const credentials = Credentials.spiffeWorkloadApi({ socket });
  const source = resources.use(
    (await openCredentials(credentials, denylist, { clock: systemClock, observer }))!,
  );
  const listener = resources.use(
    await listenForPeers(parseAddress("127.0.0.1:0"), {
      workerId: "worker-1",
      credentials: source,
      allow: [parsePattern("spiffe://example.org/**")],
      onPeer: answering,
    }),
  );
  const { certificate } = svid(example, "client");
  const dial = () => dialAs({ certificate, trusts: [example.root] }, listener.address);
  const before = await dial();
  await agent[Symbol.asyncDispose]();
  await Deno.writeTextFile(
    `${denylist}.new`,
    JSON.stringify({ spiffeIds: ["spiffe://example.org/client"] }),
  );
  await Deno.rename(`${denylist}.new`, denylist);
  await observer.until("denylist.changed");
  const error = await handshakeErrorOf(dial());
  assert.equal(error.peerReason, "certificate-denied");
  // Nor does the connection that it had take a new call: the worker has ended it.
  assert.equal((await before.connection.closed).how, "orderly");
});

Deno.test("Credentials.spiffeWorkloadApi() takes the last of what an agent sends without a pause", async () => {
  await using machine = new Machine();
  await using agent = await machine.agent(worker());
  await using source = await machine.open();
  const good = worker();
  const torn = { svids: [{ ...good.svids[0]!, bundle: new Uint8Array([0x30, 1, 0]) }] };
  for (let update = 0; update < 200; update++) {
    agent.give(update % 2 === 0 ? torn : good);
    // The agent writes each of them.
    await new Promise((resolve) => setImmediate(resolve));
  }
  const last = worker();
  agent.give(last);
  const { certificate } = last.svids[0]!;
  while (source.current().own?.chain[0]?.toHex() !== certificate.der.toHex()) {
    await machine.observer.until(
      "credentials.rotated",
      machine.observer.of("credentials.rotated").length + 1,
    );
  }
  assert.equal(agent.streams, 1);
});
