import assert from "node:assert/strict";
import type { CertificateReason } from "../src/errors/mod.ts";
import {
  Denylist,
  isCertificateFault,
  judgePeer,
  parsePatterns,
  parsePemBundle,
  type PeerRole,
  TrustAnchors,
} from "../src/identity/mod.ts";
import {
  type CertificateShape,
  certificateShapes,
  denylistOf,
  makeAuthorities,
  type TestCertificate,
} from "./support/certificates.ts";

const IDENTITY = "spiffe://example.org/worker";

const EXPECTED: Readonly<Record<CertificateShape, CertificateReason | "trusted">> = {
  "fine": "trusted",
  "fine-under-intermediate": "trusted",
  "fine-p-384": "trusted",
  "fine-p-521": "trusted",
  "fine-ed25519": "trusted",
  "fine-rsa-2048": "trusted",
  "foreign-authority": "untrusted-authority",
  "namesake-authority": "untrusted-authority",
  "self-signed": "untrusted-authority",
  "other-identity": "identity-mismatch",
  "expired": "certificate-expired",
  "not-yet-valid": "certificate-not-yet-valid",
  "client-only": "certificate-unsuitable",
  "server-only": "trusted",
  "no-san": "identity-mismatch",
  "several-uri-sans": "certificate-unsuitable",
  "no-digital-signature": "certificate-unsuitable",
  "unknown-critical-extension": "certificate-unsuitable",
  "authority-as-leaf": "certificate-unsuitable",
  "version-1": "certificate-unsuitable",
  "misencoded": "certificate-unsuitable",
  "space-in-name": "certificate-unsuitable",
  "broken-chain": "untrusted-authority",
  "missing-intermediate": "untrusted-authority",
};

/** What differs where the peer is a client. */
const EXPECTED_OF_CLIENTS: Partial<typeof EXPECTED> = {
  "client-only": "trusted",
  "server-only": "certificate-unsuitable",
};

const authorities = makeAuthorities();
const shapes = certificateShapes(authorities, IDENTITY);

function ders(pem: string): Uint8Array[] {
  return pem.matchAll(/-----BEGIN CERTIFICATE-----([^-]*)-----END/g)
    .map(([, body = ""]) => Uint8Array.fromBase64(body)).toArray();
}

function outcome(
  certificate: TestCertificate,
  role: PeerRole,
  denylist: Denylist = Denylist.empty,
): string {
  const bundle = parsePemBundle(authorities.root.pem);
  if (isCertificateFault(bundle)) return assert.fail(bundle.found);
  const verdict = judgePeer(ders(certificate.chainPem), {
    role,
    anchors: new TrustAnchors({ bundle }),
    expected: parsePatterns([IDENTITY]),
    now: Date.now(),
    denylist,
  });
  return verdict.trusted ? "trusted" : verdict.reason;
}

for (const [shape, expected] of Object.entries(EXPECTED) as [CertificateShape, string][]) {
  Deno.test(`judgePeer() gives every peer that is ${shape} its own word`, () => {
    const certificate = shapes[shape]();
    assert.equal(outcome(certificate, "server"), expected);
    assert.equal(outcome(certificate, "client"), EXPECTED_OF_CLIENTS[shape] ?? expected);
  });
}

Deno.test("judgePeer() denies what the denylist names", () => {
  const certificate = shapes.fine();
  const denylist = Denylist.parse(denylistOf(certificate));
  assert.equal(outcome(certificate, "server", denylist), "certificate-denied");
  assert.equal(outcome(shapes.fine(), "server", denylist), "trusted");
});
