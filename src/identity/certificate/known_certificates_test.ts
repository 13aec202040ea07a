import assert from "node:assert/strict";
import { forge } from "../../../tests/support/forge.ts";
import { judge, leaf, root, trusting } from "../../../tests/support/judging.ts";
import { type Certificate, parseCertificate } from "./certificate.ts";
import { KnownCertificates, knownCertificates } from "./known_certificates.ts";

const certificateOf = (der: Uint8Array) => parseCertificate(der) as Certificate;

Deno.test("a certificate that is known is not read again, and only where every byte is the same", () => {
  const known = new KnownCertificates();
  const { der } = leaf();
  assert.notEqual(known.read(der), known.read(der));
  const certificate = certificateOf(der);
  known.add(certificate);
  assert.equal(known.read(der.slice()), certificate);
  // Inside the subject's key: it can be read as before, and its last bytes are the same.
  const other = der.slice();
  other[der.length - 200]! ^= 1;
  assert.notEqual(known.read(other), certificate);
});

Deno.test("the oldest known certificate makes room for the next", () => {
  const known = new KnownCertificates();
  const certificates = Array.from(
    { length: 3 },
    (_, i) => certificateOf(forge({ subject: `peer ${i}`, issuer: root }).der),
  );
  const [first, second, third] = certificates as [Certificate, Certificate, Certificate];
  known.add(first);
  // So many others, told apart by their last bytes.
  for (let i = 0; i < 255; i++) {
    known.add({ ...second, der: Uint8Array.of(...second.der, i) });
  }
  assert.equal(known.read(first.der), first);
  known.add(third);
  assert.notEqual(known.read(first.der), first);
  assert.equal(known.read(third.der), third);
});

Deno.test("only certificates of peers that are accepted become known", () => {
  const stranger = forge({ issuer: forge({ subject: "elsewhere", authority: true }) });
  assert.equal(judge([stranger], { anchors: trusting(root) }).trusted, false);
  assert.notEqual(knownCertificates.read(stranger.der), knownCertificates.read(stranger.der));
  const peer = leaf();
  assert.equal(judge([peer], { anchors: trusting(root) }).trusted, true);
  assert.equal(knownCertificates.read(peer.der), knownCertificates.read(peer.der));
});
