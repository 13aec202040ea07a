import assert from "node:assert/strict";
import { HandshakeError, WorkerUnavailable } from "../../src/errors/mod.ts";
import type { SelvageEvent } from "../../src/observe/mod.ts";
import type { WorkerServer } from "../../src/worker/mod.ts";
import { openDispatcher, startWorker } from "./pair.ts";
import * as routines from "./routines.ts";
import { CLIENT_ID, HandTurned, Trust, WORKER_ID } from "./trust.ts";
import { WorkerProcess } from "./worker_process.ts";

const OTHER_ID = "spiffe://example.org/other";

Deno.test("a worker takes the first call after its certificate was fixed, without a restart", async () => {
  const trust = new Trust();
  const turned = new HandTurned(trust.worker(OTHER_ID));
  await using worker = await startWorker(trust, { credentials: turned.credentials });
  await using dispatcher = await openDispatcher(trust, worker.address);
  for (let attempt = 0; attempt < 3; attempt++) {
    await assert.rejects(dispatcher.call(routines.add, [1, 2]), HandshakeError);
  }
  turned.turn(trust.worker());
  assert.equal(await dispatcher.call(routines.add, [1, 2]), 3);
  const [snapshot] = dispatcher.workers();
  assert.equal(snapshot?.state, "ready");
  assert.equal(snapshot?.lastFailure, undefined);
  assert.ok((snapshot?.handshakeFailures["identity-mismatch"] ?? 0) >= 3);
});

Deno.test("a dispatcher whose own certificate was fixed is accepted on the first call", async () => {
  const trust = new Trust();
  const turned = new HandTurned(trust.clientPem("spiffe://example.org/stranger"));
  await using worker = await startWorker(trust);
  await using dispatcher = await openDispatcher(trust, worker.address, {
    credentials: turned.credentials,
  });
  await assert.rejects(dispatcher.call(routines.add, [1, 2]), HandshakeError);
  turned.turn(trust.clientPem());
  assert.equal(await dispatcher.call(routines.add, [1, 2]), 3);
});

Deno.test("one good worker among fifty that refuse answers within one handshake's time", async () => {
  const trust = new Trust();
  const addresses = Array.from({ length: 50 }, (_, n) => `127.0.1.${n + 1}:0`);
  const impostor = trust.worker(OTHER_ID);
  await using refusing = await startWorker(trust, { listen: addresses }, impostor);
  await using good = await startWorker(trust);
  await using alone = await openDispatcher(trust, refusing.addresses[0]!);
  await assert.rejects(alone.call(routines.add, [1, 2]), HandshakeError);

  await using dispatcher = await openDispatcher(trust, [...refusing.addresses, good.address]);
  // Far less than fifty handshakes may take one after another, and enough for a busy machine.
  assert.equal(await dispatcher.call(routines.add, [1, 2], { timeoutMs: 30_000 }), 3);
  assert.equal(dispatcher.workers().filter(({ state }) => state === "ready").length, 1);
});

Deno.test("a worker that hangs in its handshake holds nobody up", async () => {
  const trust = new Trust();
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = silent.addr as Deno.NetAddr;
  await using good = await startWorker(trust);
  await using dispatcher = await openDispatcher(trust, [`127.0.0.1:${port}`, good.address]);
  for (let n = 0; n < 10; n++) assert.equal(await dispatcher.call(routines.add, [n, 1]), n + 1);
});

Deno.test("a worker that died is called again once it is back at its address", async () => {
  const trust = new Trust();
  const pem = trust.worker();
  // No connection of others takes this address for its own end while nobody listens there.
  const listen = "127.0.2.1:0";
  const first = await WorkerProcess.start({ pem, options: { allow: "*", listen } });
  const { address } = first;
  await using dispatcher = await openDispatcher(trust, address);
  assert.equal(await dispatcher.call(routines.add, [1, 2]), 3);
  first.kill();
  await first.ended;
  await first[Symbol.asyncDispose]();
  await assert.rejects(dispatcher.call(routines.add, [1, 2]), WorkerUnavailable);
  await using _back = await WorkerProcess.start({
    pem,
    options: { allow: "*", listen: address },
  });
  assert.equal(await dispatcher.call(routines.add, [1, 2]), 3);
});

Deno.test("a connection is used as long as the material it was made with is", async () => {
  const trust = new Trust();
  const pem = trust.clientPem();
  const turned = new HandTurned(pem);
  await using worker = await startWorker(trust);
  await using dispatcher = await openDispatcher(trust, worker.address, {
    credentials: turned.credentials,
  });
  const events = worker.events();
  await dispatcher.call(routines.add, [1, 2]);
  turned.turn({ ...pem });
  await dispatcher.call(routines.add, [1, 2]);
  turned.turn(trust.clientPem("spiffe://example.org/client/b"));
  const { peer } = await dispatcher.call(routines.whoami, []);
  assert.equal(peer.identity, "spiffe://example.org/client/b");
  assert.deepEqual(await accepted(events, worker), [CLIENT_ID, "spiffe://example.org/client/b"]);
});

Deno.test("new credentials at either end fail no call, and calls in flight finish where they are", async () => {
  const trust = new Trust();
  const next = new Trust();
  const both = trust.ca + next.ca;
  const atWorker = new HandTurned(trust.worker());
  const atDispatcher = new HandTurned(trust.clientPem());
  await using worker = await startWorker(trust, { credentials: atWorker.credentials });
  await using dispatcher = await openDispatcher(trust, worker.address, {
    credentials: atDispatcher.credentials,
  });
  const versions = [
    () => atWorker.turn(trust.worker(WORKER_ID, { ca: both })),
    () => atDispatcher.turn(trust.clientPem(CLIENT_ID, { ca: both })),
    () => atWorker.turn(next.worker(WORKER_ID, { ca: both })),
    () => atDispatcher.turn(next.clientPem(CLIENT_ID, { ca: both })),
    () => atWorker.turn(next.worker()),
    () => atDispatcher.turn(next.clientPem()),
  ];
  let answered = 0;
  let load = true;
  const callers = Array.from({ length: 8 }, async () => {
    while (load) {
      assert.equal(await dispatcher.call(routines.add, [20, 1]), 21);
      answered += 1;
    }
  });
  const stream = dispatcher.stream(routines.count, ["across", 1_000_000]);
  await stream.next();
  for (const turn of versions) {
    const slow = dispatcher.call(routines.slow, [100]);
    const until = answered + 100;
    turn();
    while (answered < until) await dispatcher.call(routines.add, [1, 1]);
    assert.equal(await slow, 100);
    assert.equal((await stream.next()).done, false);
  }
  load = false;
  await Promise.all(callers);
  await stream.return();
  await using late = await openDispatcher(trust, worker.address);
  await assert.rejects(late.call(routines.add, [1, 2]), HandshakeError);
});

async function accepted(
  events: AsyncIterable<SelvageEvent>,
  worker: WorkerServer,
): Promise<(string | undefined)[]> {
  await worker.drain({ graceMs: 0 });
  return (await Array.fromAsync(events))
    .filter((event) => event.type === "peer.accepted")
    .map(({ peer }) => peer.identity);
}
