/** What an error and an event carry besides their word, for a person to act on. */
import assert from "node:assert/strict";
import { connect as connectTls } from "node:tls";
import { Credentials } from "../../src/credentials/mod.ts";
import type { HandshakeEvidence } from "../../src/errors/mod.ts";
import { parseAddress } from "../../src/channel/mod.ts";
import {
  certificateShapes,
  makeAuthorities,
  makeCertificate,
  type TestCertificate,
} from "../support/certificates.ts";
import { CLIENT_ID, dialAs, handshakeErrorOf, WORKER_ID } from "../support/peers.ts";
import { failedCall, next, openDispatcher, startWorker } from "./ground.ts";

const authorities = makeAuthorities();
const { root, foreign } = authorities;
const ofWorker = certificateShapes(authorities, WORKER_ID);
const client = makeCertificate({ name: "client", names: [{ uri: CLIENT_ID }], issuer: root });

/** What our dispatcher's error and event say of a worker's certificate. */
async function evidenceAgainst(certificate: TestCertificate): Promise<HandshakeEvidence> {
  await using worker = await startWorker({ certificate, trusts: [root] });
  await using dispatcher = await openDispatcher(
    { certificate: client, trusts: [root] },
    worker.address,
  );
  const { error, event } = await failedCall(dispatcher);
  const { evidence } = error;
  assert.deepEqual(event.evidence, evidence);
  assert.ok(error.message.includes(evidence.found ?? "?"), error.message);
  assert.ok(error.message.includes(evidence.advice ?? "?"), error.message);
  assert.ok(evidence.ownCertificate?.notAfter !== undefined);
  assert.doesNotMatch(Deno.inspect(error, { depth: 20 }), /PRIVATE|BEGIN/);
  return evidence;
}

Deno.test("a certificate that is valid from the near future asks whether this clock is behind", async () => {
  const certificate = makeCertificate({
    names: [{ uri: WORKER_ID }],
    issuer: root,
    notBefore: Date.now() + 90_000,
  });
  const { advice, certificate: reported, now, clockOffBySeconds } = await evidenceAgainst(
    certificate,
  );
  assert.match(
    advice ?? "",
    /^it is valid from 1m \d+s in the future; is this clock behind\?$/,
  );
  const off = (Date.parse(reported?.notBefore ?? "") - Date.parse(now ?? "")) / 1000;
  assert.ok(Math.abs(off - (clockOffBySeconds ?? 0)) < 1);
});

Deno.test("a certificate that has just expired asks whether this clock is ahead, with the dates", async () => {
  const { advice, certificate } = await evidenceAgainst(ofWorker.expired());
  assert.match(
    advice ?? "",
    /^renew the certificate; it expired \d+[hms]( \d+[ms])? ago; is this clock ahead\?$/,
  );
  assert.ok(Date.parse(certificate?.notAfter ?? "") < Date.now());
});

Deno.test("a certificate that expired long ago blames no clock", async () => {
  const certificate = makeCertificate({
    names: [{ uri: WORKER_ID }],
    issuer: root,
    notBefore: Date.UTC(2020, 0, 1),
    notAfter: Date.UTC(2021, 0, 1),
  });
  const { advice, clockOffBySeconds } = await evidenceAgainst(certificate);
  assert.equal(advice, "renew the certificate");
  assert.equal(clockOffBySeconds, undefined);
});

Deno.test("another identity is reported with what was expected and what was presented", async () => {
  const { expected, presented, advice } = await evidenceAgainst(ofWorker["other-identity"]());
  assert.deepEqual(expected, [WORKER_ID]);
  assert.deepEqual(presented, [`${WORKER_ID}-other`]);
  assert.notEqual(advice, undefined);
});

Deno.test("a foreign authority is reported with the issuer we looked for and those we have", async () => {
  const evidence = await evidenceAgainst(ofWorker["foreign-authority"]());
  assert.equal(evidence.issuerWanted, "CN=foreign root");
  const [anchor, ...more] = evidence.anchors ?? [];
  assert.deepEqual(more, []);
  assert.equal(anchor?.subject, "CN=test root");
  assert.match(anchor.fingerprint, /^[0-9a-f]{64}$/);
});

Deno.test("a worker reports of a client that it refuses what it would report of itself", async () => {
  await using worker = await startWorker({ certificate: ofWorker.fine(), trusts: [root] });
  using events = worker.events();
  const stranger = makeCertificate({
    name: "stranger",
    names: [{ uri: `${CLIENT_ID}/x` }],
    issuer: foreign,
  });
  const shown = { certificate: stranger, trusts: [root] };
  await using dispatcher = await openDispatcher(shown, worker.address);
  const { error } = await failedCall(dispatcher);
  const { evidence, peer } = await next(events, "handshake.refused");
  assert.match(peer.address, /^127\.0\.0\.1:\d+$/);
  assert.deepEqual(evidence.presented, [`${CLIENT_ID}/x`]);
  assert.equal(evidence.issuerWanted, "CN=foreign root");
  assert.equal(evidence.anchors?.length, 1);
  assert.equal(evidence.certificate?.subject, "CN=stranger");
  // The dispatcher learns the word and no more.
  assert.equal(error.peerReason, "untrusted-authority");
  assert.deepEqual(
    Object.keys(error.evidence).sort(),
    ["advice", "found", "ownCertificate"],
  );
});

Deno.test("a worker whose certificate a client finds expired reports its own dates", async () => {
  await using worker = await startWorker({ certificate: ofWorker.expired(), trusts: [root] });
  using events = worker.events();
  await using dispatcher = await openDispatcher({ trusts: [root] }, worker.address);
  await failedCall(dispatcher);
  const { evidence, peerReason, side } = await next(events, "handshake.refused");
  assert.deepEqual([side, peerReason], ["dispatcher", "certificate-expired"]);
  assert.equal(evidence.alert, "certificate_expired");
  assert.equal(evidence.advice, "renew our certificate");
  assert.ok(Date.parse(evidence.ownCertificate?.notAfter ?? "") < Date.now());
});

Deno.test("an authority that has expired is named by who judges it, and thought of by whose it is", async () => {
  const notAfter = Date.now() - 60_000;
  const issuer = makeCertificate({ name: "ended", authority: 0, issuer: root, notAfter });
  const certificate = makeCertificate({ names: [{ uri: WORKER_ID }], issuer });
  await using worker = await startWorker({ certificate, trusts: [root] });
  using events = worker.events();
  await using dispatcher = await openDispatcher(
    { certificate: client, trusts: [root] },
    worker.address,
  );
  const { error } = await failedCall(dispatcher);
  assert.match(error.evidence.found ?? "", /^the authority "CN=ended": it expired at /);
  const { evidence } = await next(events, "handshake.refused");
  assert.match(evidence.advice ?? "", /see whether an authority above it has expired/);
});

Deno.test("where the peer finds expired what is valid by our clock, the clocks are blamed", async () => {
  await using worker = await startWorker({ certificate: ofWorker.fine(), trusts: [root] });
  const expiring = makeCertificate({
    names: [{ uri: CLIENT_ID }],
    issuer: root,
    notBefore: Date.now() - 7_200_000,
    notAfter: Date.now() - 60_000,
  });
  const now = () => Date.now() - 240_000;
  const slow = { clock: { now, steady: now, schedule: neverDue } };
  const error = await handshakeErrorOf(
    dialAs({ certificate: expiring, trusts: [root] }, parseAddress(worker.address), slow),
  );
  assert.equal(error.peerReason, "certificate-expired", error.message);
  assert.equal(
    error.evidence.advice,
    "by this clock our certificate is valid; has an authority above it expired, or is the other end's clock ahead?",
  );
});

function neverDue(): Disposable {
  return { [Symbol.dispose]: () => {} };
}

/** Counts connections to a port where nobody may come. */
function guardedPort(): { address: string; count: () => number } & Disposable {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let count = 0;
  (async () => {
    for await (const connection of listener) {
      count += 1;
      connection.close();
    }
  })();
  return {
    address: `127.0.0.1:${listener.addr.port}`,
    count: () => count,
    [Symbol.dispose]: () => listener.close(),
  };
}

const OWN: readonly (readonly [string, () => { cert: string; key: string }, string, RegExp])[] = [
  [
    "expired",
    () => pemOf({ notBefore: Date.now() - 7_200_000, notAfter: Date.now() - 3_600_000 }),
    "own.expired",
    /that was 1h ago; renew it/,
  ],
  [
    "not yet valid",
    () => pemOf({ notBefore: Date.now() + 90_000 }),
    "own.not-yet-valid",
    /that is 1m \d+s in the future; is this machine's clock behind\?/,
  ],
  [
    "without its key",
    () => ({ cert: pemOf({}).cert, key: pemOf({}).key }),
    "own.key-mismatch",
    /issued together/,
  ],
  [
    "for servers only",
    () => pemOf({ usages: ["server"] }),
    "own.unsuitable",
    /extendedKeyUsage = serverAuth, clientAuth/,
  ],
];

function pemOf(options: Parameters<typeof makeCertificate>[0]): { cert: string; key: string } {
  const { pem, keyPem } = makeCertificate({
    names: [{ uri: CLIENT_ID }],
    issuer: root,
    ...options,
  });
  return { cert: pem, key: keyPem };
}

for (const [title, make, rule, advice] of OWN) {
  Deno.test(`a certificate of our own that is ${title} is reported at once, and no worker is dialled`, async () => {
    using port = guardedPort();
    await using dispatcher = await openDispatcher(undefined, port.address, {
      credentials: Credentials.fromPem({ ca: root.pem, ...make() }),
      identity: WORKER_ID,
    });
    const { error, event } = await failedCall(dispatcher);
    for (const { side, reason } of [error, event]) {
      assert.deepEqual([side, reason], ["dispatcher", "own-certificate-invalid"]);
    }
    assert.equal(error.evidence.rule, rule);
    assert.match(error.evidence.advice ?? "", advice);
    assert.deepEqual(error.evidence.ownCertificate?.names, [CLIENT_ID]);
    assert.equal(port.count(), 0);
  });
}

Deno.test("a client that offers no certificate in TLS is reported in the worker's own words", async () => {
  await using worker = await startWorker({ certificate: ofWorker.fine(), trusts: [root] });
  using events = worker.events();
  const socket = connectTls({
    host: "127.0.0.1",
    port: Number(worker.address.split(":")[1]),
    ca: [root.pem],
    checkServerIdentity: () => undefined,
    ALPNProtocols: ["h2"],
  });
  socket.on("error", () => {});
  const { evidence } = await next(events, "handshake.refused");
  assert.deepEqual(evidence.expected, [CLIENT_ID]);
  assert.equal(evidence.advice, "give the client a certificate and its key");
  socket.destroy();
});
