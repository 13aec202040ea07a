import assert from "node:assert/strict";
import { assemble, type CredentialMaterial } from "../../src/credentials/mod.ts";
import { parsePattern } from "../../src/identity/mod.ts";
import { makeAuthorities, makeCertificate, type TestCertificate } from "../support/certificates.ts";
import {
  CLIENT_ID,
  dialAs,
  handshakeErrorOf,
  listenAs,
  TurnableSource,
  WORKER_ID,
} from "../support/peers.ts";
import { RecordingObserver } from "../support/recording_observer.ts";
import { ForeignProcess } from "./foreign_process.ts";

const { root, foreign: partner } = makeAuthorities();
const PARTNER_ID = "spiffe://partner.example/client";

/** In `example.org`, federated with `partner.example`: each root vouches for its own domain. */
function federated(certificate: TestCertificate): CredentialMaterial {
  const assembled = assemble({
    domains: new Map([["example.org", root.pem], ["partner.example", partner.pem]]),
    cert: certificate.chainPem,
    key: certificate.keyPem,
  }, Date.now());
  assert.ok(assembled.kind === "usable", JSON.stringify(assembled));
  return { ...assembled.material, generation: 1 };
}

const named = (uri: string, issuer: TestCertificate): TestCertificate =>
  makeCertificate({ names: [{ uri }], issuer });

const allow = [
  parsePattern("spiffe://example.org/client/*", { clients: true }),
  parsePattern("spiffe://partner.example/**", { clients: true }),
];

Deno.test("a federated root vouches for clients of its own domain", async () => {
  const source = new TurnableSource(federated(named(WORKER_ID, root)));
  await using listener = await listenAs(source, { allow });
  const peer = await dialAs(federated(named(PARTNER_ID, partner)), listener.address);
  assert.equal(listener.connections()[0]?.peer.identity?.name, PARTNER_ID);
  await peer.connection.shutdown();
});

Deno.test("a worker refuses a local identity that a federated root has minted", async () => {
  const source = new TurnableSource(federated(named(WORKER_ID, root)));
  await using listener = await listenAs(source, {
    allow,
    onPeer: () => assert.fail("the client was accepted"),
  });
  const minted = { certificate: named(CLIENT_ID, partner), trusts: [root, partner] };
  const error = await handshakeErrorOf(dialAs(minted, listener.address));
  assert.equal(error.reason, "client-certificate-refused");
});

Deno.test("a dispatcher writes nothing to a worker whose local identity a federated root has minted", async () => {
  const minted = { certificate: named(WORKER_ID, partner), trusts: [root, partner] };
  await using listener = await listenAs(minted);
  const error = await handshakeErrorOf(
    dialAs(federated(named(CLIENT_ID, root)), listener.address),
  );
  assert.equal(error.side, "dispatcher");
});

/** What a client sends that begins HTTP/2 at once. */
const PREFACE = btoa("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");

/** A Node client of a federated worker: what the worker sent it, in hexadecimal. */
async function sentToNode(
  certificate: TestCertificate,
  observer: RecordingObserver,
): Promise<string> {
  const source = new TurnableSource(federated(named(WORKER_ID, root)));
  await using listener = await listenAs(source, { allow, observer });
  assert.ok(listener.address.kind === "tcp");
  await using peer = new ForeignProcess("foreign_client.mjs", {
    cert: certificate.chainPem,
    key: certificate.keyPem,
    ca: root.pem,
    port: listener.address.port,
    steps: [{ send: PREFACE, leaveOnData: true }],
  });
  await peer.done();
  return peer.of("data").map(({ hex }) => hex).join("");
}

Deno.test("a worker takes a Node client whose identity its own domain's root has minted", async () => {
  const observer = new RecordingObserver();
  await sentToNode(named(PARTNER_ID, partner), observer);
  assert.equal((await observer.until("peer.accepted"))[0]?.peer.identity, PARTNER_ID);
});

Deno.test("a worker parses nothing of a Node client whose local identity a federated root has minted", async () => {
  const observer = new RecordingObserver();
  const sent = await sentToNode(named(CLIENT_ID, partner), observer);
  const [refused] = await observer.until("handshake.refused");
  assert.equal(refused?.reason, "untrusted-authority", JSON.stringify(refused));
  assert.equal(refused.evidence.rule, "path.trust-domain");
  const word = new TextEncoder().encode('{"refused":"untrusted-authority"}').toHex();
  assert.ok(sent === "" || sent.endsWith(word), sent);
  assert.deepEqual(observer.of("peer.accepted"), []);
});

Deno.test("a dispatcher writes nothing to a Node server whose local identity a federated root has minted", async () => {
  const { chainPem: cert, keyPem: key } = named(WORKER_ID, partner);
  await using server = new ForeignProcess("foreign_server.mjs", {
    cert,
    key,
    ca: root.pem,
    requestCert: true,
  });
  const { port } = await server.until("listening");
  const address = { kind: "tcp", host: "127.0.0.1", port: Number(port) } as const;
  const error = await handshakeErrorOf(dialAs(federated(named(CLIENT_ID, root)), address));
  assert.equal(error.reason, "untrusted-authority", error.message);
  assert.equal(error.side, "dispatcher");
  await server.until("close");
  assert.deepEqual(server.of("data"), []);
});
