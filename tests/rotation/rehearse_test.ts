import assert from "node:assert/strict";
import { Credentials } from "../../src/credentials/mod.ts";
import { ConfigurationError } from "../../src/errors/mod.ts";
import { openDispatcher, startWorker } from "../e2e/pair.ts";
import * as routines from "../e2e/routines.ts";
import { forge, general } from "../support/forge.ts";
import { writePem } from "../../src/credentials/pem_writer.ts";
import { CLIENT_ID, HandTurned, Trust, WORKER_ID } from "../e2e/trust.ts";

Deno.test("WorkerServer.rehearse says which connected clients other authorities would refuse", async () => {
  const [today, next] = [new Trust(), new Trust()];
  await using worker = await startWorker(today);
  await using dispatcher = await openDispatcher(today, worker.address);
  assert.equal(await dispatcher.call(routines.add, [1, 2]), 3);

  const both = Credentials.trustOnly({ ca: `${today.ca}\n${next.ca}` });
  const kept = await worker.rehearse({ credentials: both });
  assert.deepEqual(kept.peers.map(({ identity, outcome }) => [identity, outcome]), [
    [CLIENT_ID, "accepted"],
  ]);
  assert.equal(kept.refused, 0);
  assert.equal(kept.own, undefined);

  const alone = Credentials.trustOnly({ ca: next.ca });
  const { peers: [lost], refused, own } = await worker.rehearse({ credentials: alone });
  assert.equal(refused, 1);
  // The worker would not adopt it: its own certificate is of the authority that is left out.
  assert.match(own?.found ?? "", /^ca: our own certificate leads to ".*", which is left out/);
  assert.deepEqual(
    [lost?.identity, lost?.outcome, lost?.refusedBy, lost?.reason],
    [CLIENT_ID, "refused", "worker", "untrusted-authority"],
  );
  // Nothing was adopted: the connection still takes calls.
  assert.deepEqual(worker.peers().map(({ takesCalls, generation }) => [takesCalls, generation]), [
    [true, 1],
  ]);
  assert.equal(await dispatcher.call(routines.add, [1, 2]), 3);
});

Deno.test("a rehearsed bundle is judged within the trust domain of the certificate in use", async () => {
  const trust = new Trust();
  await using worker = await startWorker(trust);
  await using dispatcher = await openDispatcher(trust, worker.address);
  assert.equal(await dispatcher.call(routines.add, [1, 2]), 3);
  // As SPIRE's roots are: it vouches for its own domain, which is ours, and so takes no other's place there.
  const spire = forge({ authority: true, names: [general.uri("spiffe://example.org")] });
  const ca = `${trust.ca}\n${writePem("CERTIFICATE", spire.der)}`;
  const both = Credentials.trustOnly({ ca });
  const { peers: [peer], own } = await worker.rehearse({ credentials: both });
  assert.deepEqual([peer?.outcome, peer?.message, own], ["accepted", undefined, undefined]);
  assert.equal((await dispatcher.rehearse({ credentials: both })).own, undefined);
});

Deno.test("WorkerServer.rehearse says why its own new certificate cannot be used", async () => {
  const [today, other] = [new Trust(), new Trust()];
  await using worker = await startWorker(today);
  const torn = Credentials.fromPem({ ...today.worker(), key: other.worker().key! });
  const { own } = await worker.rehearse({ credentials: torn });
  assert.equal(own?.rule, "own.key-mismatch");
  const none = Credentials.fromPem({ ca: "no certificate", oneWay: true });
  await assert.rejects(worker.rehearse({ credentials: none }), ConfigurationError);
});

Deno.test("Dispatcher.rehearse dials every worker, and names the end that would refuse", async () => {
  const [today, next] = [new Trust(), new Trust()];
  await using worker = await startWorker(today);
  await using dispatcher = await openDispatcher(today, [worker.address, "127.0.0.1:1"]);
  assert.equal(await dispatcher.call(routines.add, [1, 2]), 3);
  const outcomes = async (credentials: Credentials) => {
    const { peers, refused } = await dispatcher.rehearse({ credentials });
    const [found, away] = peers;
    assert.equal(away?.outcome, "unreachable");
    const { identity, outcome, refusedBy, reason, peerReason } = found!;
    return { refused, identity, outcome, refusedBy, reason, peerReason };
  };
  assert.deepEqual(await outcomes(today.client("spiffe://example.org/client/b")), {
    refused: 0,
    identity: WORKER_ID,
    outcome: "accepted",
    refusedBy: undefined,
    reason: undefined,
    peerReason: undefined,
  });
  // Their new authority, and our certificate of it: the worker is refused by us.
  const theirs = await outcomes(next.client());
  assert.deepEqual(
    [theirs.refused, theirs.refusedBy, theirs.reason],
    [1, "dispatcher", "untrusted-authority"],
  );
  // We trust both, and show what only the new one issued: the worker refuses us.
  const { cert = "", key = "" } = next.clientPem();
  const ours = await outcomes(
    Credentials.fromPem({ ca: `${today.ca}\n${next.ca}`, cert, key }),
  );
  assert.deepEqual(
    [ours.refused, ours.refusedBy, ours.reason, ours.peerReason],
    [1, "worker", "client-certificate-refused", "untrusted-authority"],
  );
  // Authorities alone: a dispatcher would not adopt them, for its own certificate is of none of them.
  const alone = await dispatcher.rehearse({ credentials: Credentials.trustOnly({ ca: next.ca }) });
  assert.match(alone.own?.found ?? "", /^ca: our own certificate leads to ".*", which is left out/);
  assert.equal(await dispatcher.call(routines.add, [1, 2]), 3);
});

Deno.test("a rehearsal names the authority of our own new chain that has expired, on both ends", async () => {
  const trust = new Trust();
  await using worker = await startWorker(trust);
  await using dispatcher = await openDispatcher(trust, worker.address);
  const root = forge({ subject: "root", authority: true });
  const expired = forge({
    subject: "intermediate",
    issuer: root,
    authority: true,
    notBefore: Date.now() - 7_200_000,
    notAfter: Date.now() - 3_600_000,
  });
  const leaf = forge({ issuer: expired, names: [general.uri(WORKER_ID)] });
  const pem = (...ders: Uint8Array[]) => ders.map((der) => writePem("CERTIFICATE", der)).join("");
  const credentials = Credentials.fromPem({
    ca: trust.ca + pem(root.der),
    cert: pem(leaf.der, expired.der),
    key: String(leaf.keys.privateKey.export({ type: "pkcs8", format: "pem" })),
  });
  for (const end of [worker, dispatcher]) {
    const { own } = await end.rehearse({ credentials });
    assert.match(
      own?.found ?? "",
      /^cert: the authority "CN=intermediate" of its chain: it expired at/,
    );
    assert.equal(own?.rule, "own.expired");
  }
});

Deno.test("a rehearsal of a bundle beside our certificate in use, which has ended, says that it would be adopted", async () => {
  const trust = new Trust();
  const root = forge({ subject: "root", authority: true });
  const next = forge({ subject: "next", authority: true });
  const ended = () => {
    const [notBefore, notAfter] = [Date.now() - 7_200_000, Date.now() - 3_600_000];
    const { der, keys } = forge({
      issuer: root,
      names: [general.uri(WORKER_ID)],
      notBefore,
      notAfter,
    });
    return {
      cert: writePem("CERTIFICATE", der),
      key: String(keys.privateKey.export({ type: "pkcs8", format: "pem" })),
    };
  };
  const own = ended();
  const ca = writePem("CERTIFICATE", root.der);
  const hand = new HandTurned({ ca, ...own });
  await using worker = await startWorker(trust, { credentials: hand.credentials });
  const bundle = { ca: ca + writePem("CERTIFICATE", next.der) };
  const kept = await worker.rehearse({ credentials: Credentials.fromPem({ ...bundle, ...own }) });
  assert.deepEqual([kept.own?.rule, kept.ownInUse], ["own.expired", true]);
  const other = { ...bundle, ...ended() };
  const lost = await worker.rehearse({ credentials: Credentials.fromPem(other) });
  assert.deepEqual([lost.own?.rule, lost.ownInUse], ["own.expired", undefined]);

  using events = worker.events();
  hand.turn({ ...bundle, ...own });
  for await (const { type } of events) {
    assert.notEqual(type, "credentials.rejected", "it was rehearsed as adopted");
    if (type === "credentials.rotated") break;
  }
});
