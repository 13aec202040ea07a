import assert from "node:assert/strict";
import type { HandshakeReason, PeerReason } from "../../src/errors/mod.ts";
import {
  type CertificateShape,
  certificateShapes,
  denylistOf,
  makeAuthorities,
} from "../support/certificates.ts";
import {
  callOnce,
  CLIENT_ID,
  dialAs,
  handshakeErrorOf,
  listenAs,
  WORKER_ID,
} from "../support/peers.ts";
import { RecordingObserver } from "../support/recording_observer.ts";

const authorities = makeAuthorities();
const { root } = authorities;
const ofWorker = certificateShapes(authorities, WORKER_ID);
const ofClient = certificateShapes(authorities, CLIENT_ID);

const FINE: readonly CertificateShape[] = [
  "fine",
  "fine-under-intermediate",
  "fine-p-384",
  "fine-p-521",
  "fine-ed25519",
  "fine-rsa-2048",
];

for (const shape of FINE) {
  Deno.test(`a worker and a dispatcher whose certificates are ${shape} call each other`, async () => {
    const observer = new RecordingObserver();
    await using listener = await listenAs({ certificate: ofWorker[shape](), trusts: [root] }, {
      observer,
    });
    const peer = await dialAs(
      { certificate: ofClient[shape](), trusts: [root] },
      listener.address,
    );
    assert.equal(peer.identity?.name, WORKER_ID);
    assert.equal(await callOnce(peer), "complete");
    assert.equal(observer.of("peer.accepted")[0]?.peer.identity, CLIENT_ID);
    await peer.connection.shutdown();
  });
}

/**
 * What our dispatcher says of a worker's certificate, and what the worker makes of it: the alert, where the
 * platform refuses the certificate too, and otherwise that the dispatcher left without a word.
 */
const BAD_WORKERS: readonly (readonly [CertificateShape, HandshakeReason, HandshakeReason])[] = [
  ["foreign-authority", "untrusted-authority", "untrusted-authority"],
  ["namesake-authority", "untrusted-authority", "tls-alert"],
  ["self-signed", "untrusted-authority", "untrusted-authority"],
  ["other-identity", "identity-mismatch", "handshake-aborted"],
  ["expired", "certificate-expired", "certificate-expired"],
  ["not-yet-valid", "certificate-not-yet-valid", "certificate-not-yet-valid"],
  ["client-only", "certificate-unsuitable", "certificate-unsuitable"],
  ["no-san", "identity-mismatch", "handshake-aborted"],
  ["several-uri-sans", "certificate-unsuitable", "handshake-aborted"],
  ["no-digital-signature", "certificate-unsuitable", "handshake-aborted"],
  ["authority-as-leaf", "certificate-unsuitable", "tls-alert"],
  ["version-1", "certificate-unsuitable", "handshake-aborted"],
  ["misencoded", "certificate-unsuitable", "handshake-aborted"],
  ["space-in-name", "certificate-unsuitable", "handshake-aborted"],
  ["broken-chain", "untrusted-authority", "untrusted-authority"],
  ["missing-intermediate", "untrusted-authority", "untrusted-authority"],
];

for (const [shape, reason, atWorker] of BAD_WORKERS) {
  Deno.test(`a dispatcher names a worker whose certificate is ${shape}: ${reason}`, async () => {
    const observer = new RecordingObserver();
    await using listener = await listenAs({ certificate: ofWorker[shape](), trusts: [root] }, {
      observer,
    });
    const error = await handshakeErrorOf(
      dialAs({ certificate: ofClient.fine(), trusts: [root] }, listener.address),
    );
    assert.equal(error.reason, reason, error.message);
    assert.equal(error.side, "dispatcher");
    const [refused, ...more] = await observer.until("handshake.refused");
    assert.equal(refused?.side, "dispatcher", JSON.stringify(refused));
    assert.equal(refused.reason, atWorker);
    assert.deepEqual(more, []);
  });
}

/** What our worker says of a client's certificate, to the client and to its own observer. */
const BAD_CLIENTS: readonly (readonly [CertificateShape, PeerReason])[] = [
  ["foreign-authority", "untrusted-authority"],
  ["namesake-authority", "untrusted-authority"],
  ["self-signed", "untrusted-authority"],
  ["other-identity", "subject-not-allowed"],
  ["expired", "certificate-expired"],
  ["not-yet-valid", "certificate-not-yet-valid"],
  ["server-only", "certificate-unsuitable"],
  ["no-san", "subject-not-allowed"],
  ["several-uri-sans", "certificate-unsuitable"],
  ["no-digital-signature", "certificate-unsuitable"],
  ["authority-as-leaf", "certificate-unsuitable"],
  ["version-1", "certificate-unsuitable"],
  ["misencoded", "certificate-unsuitable"],
  ["space-in-name", "certificate-unsuitable"],
  ["broken-chain", "untrusted-authority"],
  ["missing-intermediate", "untrusted-authority"],
];

for (const [shape, word] of BAD_CLIENTS) {
  Deno.test(`a worker answers a client whose certificate is ${shape}: ${word}`, async () => {
    const observer = new RecordingObserver();
    await using listener = await listenAs({ certificate: ofWorker.fine(), trusts: [root] }, {
      observer,
      allow: [{
        kind: "spiffe",
        text: CLIENT_ID,
        trustDomain: "example.org",
        segments: [
          { kind: "literal", text: "client" },
          { kind: "literal", text: "a" },
        ],
      }],
      onPeer: () => assert.fail("no peer was to be accepted"),
    });
    const error = await handshakeErrorOf(
      dialAs({ certificate: ofClient[shape](), trusts: [root] }, listener.address),
    );
    assert.equal(error.reason, "client-certificate-refused", error.message);
    assert.equal(error.peerReason, word);
    assert.equal(error.side, "worker");
    const [refused, ...more] = await observer.until("handshake.refused");
    assert.equal(refused?.reason, word);
    assert.equal(refused?.side, "worker");
    assert.deepEqual(more, []);
  });
}

Deno.test("a worker whose certificate the platform cannot use does not start", async () => {
  const certificate = ofWorker["unknown-critical-extension"]();
  await assert.rejects(listenAs({ certificate, trusts: [root] }), { name: "ConfigurationError" });
});

Deno.test("a dispatcher whose certificate the platform cannot use says so: own-certificate-invalid", async () => {
  await using listener = await listenAs({ certificate: ofWorker.fine(), trusts: [root] });
  const certificate = ofClient["unknown-critical-extension"]();
  const error = await handshakeErrorOf(dialAs({ certificate, trusts: [root] }, listener.address));
  assert.equal(error.reason, "own-certificate-invalid");
  assert.equal(error.side, "dispatcher");
});

Deno.test("a worker answers a client without a certificate: client-certificate-required", async () => {
  const observer = new RecordingObserver();
  await using listener = await listenAs({ certificate: ofWorker.fine(), trusts: [root] }, {
    observer,
  });
  const error = await handshakeErrorOf(dialAs({ trusts: [root] }, listener.address));
  assert.equal(error.reason, "client-certificate-required");
  assert.equal(error.side, "worker");
  assert.equal((await observer.until("handshake.refused"))[0]?.reason, error.reason);
});

Deno.test("both ends name a certificate on the denylist: certificate-denied", async () => {
  const worker = ofWorker.fine();
  const client = ofClient.fine();
  await using strict = await listenAs({
    certificate: worker,
    trusts: [root],
    denylist: denylistOf(client),
  });
  const refused = await handshakeErrorOf(
    dialAs({ certificate: client, trusts: [root] }, strict.address),
  );
  assert.equal(refused.peerReason, "certificate-denied");
  await using listener = await listenAs({ certificate: worker, trusts: [root] });
  const denied = await handshakeErrorOf(
    dialAs({ certificate: client, trusts: [root], denylist: denylistOf(worker) }, listener.address),
  );
  assert.equal(denied.reason, "certificate-denied");
});
