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
