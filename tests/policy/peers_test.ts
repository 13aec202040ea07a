import assert from "node:assert/strict";
import { routine } from "../../src/contract/mod.ts";
import { Credentials } from "../../src/credentials/mod.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { WorkerServer } from "../../src/worker/mod.ts";
import { openDispatcher, startWorker } from "../e2e/pair.ts";
import { CLIENT_ID, Trust } from "../e2e/trust.ts";

const endless = routine("peers.endless", async function* () {
  yield 1;
  await new Promise(() => {});
});

Deno.test("WorkerServer.peers() shows each connection's identity, protocol, calls and certificate", async () => {
  const before = Date.now();
  const trust = new Trust();
  await using worker = await startWorker(trust, { routines: [endless] });
  assert.deepEqual(worker.peers(), []);
  await using dispatcher = await openDispatcher(trust, worker.address);
  const items = dispatcher.stream(endless, [])[Symbol.asyncIterator]();
  await items.next();
  const [peer, ...others] = worker.peers();
  assert.equal(others.length, 0);
  assert.ok(peer);
  const { address, since, certificateEnds = 0, ...rest } = peer;
  assert.match(address, /^127\.0\.0\.1:\d+$/);
  assert.ok(since >= before && since <= Date.now(), `${since}`);
  assert.ok(certificateEnds > Date.now(), `${certificateEnds}`);
  assert.deepEqual(rest, {
    identity: CLIENT_ID,
    security: "mutual-tls",
    protocol: "TLSv1.3",
    keyExchange: "x25519",
    calls: 1,
    generation: rest.generation,
    takesCalls: true,
  });
  assert.deepEqual(worker.posture().keyExchange, { x25519: 1 });
  assert.deepEqual(dispatcher.workers().map(({ keyExchange }) => keyExchange), ["x25519"]);
  await items.return?.();
});

Deno.test("the key exchange is unknown at the platform's own listener, which reports nothing of it", async () => {
  const trust = new Trust();
  const { ca, ...own } = trust.worker();
  await using worker = await WorkerServer.start({
    routines: [endless],
    credentials: Credentials.fromPem({ ...own, oneWay: true }),
    nativeTls: true,
  });
  await using dispatcher = await openDispatcher(trust, worker.address, {
    credentials: Credentials.trustOnly({ ca: ca! }),
  });
  await dispatcher.ready();
  assert.deepEqual(worker.peers().map(({ keyExchange }) => keyExchange), ["unknown"]);
  assert.deepEqual(dispatcher.workers().map(({ keyExchange }) => keyExchange), ["x25519"]);
});

Deno.test("WorkerServer.peers() shows plaintext callers without identity, protocol or certificate", async () => {
  await using worker = await WorkerServer.start({ routines: [endless] });
  await using dispatcher = await Dispatcher.open({ discovery: `static:${worker.address}` });
  const items = dispatcher.stream(endless, [])[Symbol.asyncIterator]();
  await items.next();
  const [peer] = worker.peers();
  for (const key of ["identity", "protocol", "keyExchange", "certificateEnds"]) {
    assert.ok(!(key in peer!), key);
  }
  assert.deepEqual(worker.posture().keyExchange, {});
  assert.deepEqual([peer?.security, peer?.calls], ["plaintext", 1]);
  await items.return?.();
});
