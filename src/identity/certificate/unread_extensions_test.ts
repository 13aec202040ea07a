import assert from "node:assert/strict";
import { der, extension, forge, general } from "../../../tests/support/forge.ts";
import { parseCertificate } from "./certificate.ts";
import { isCertificateFault } from "./certificate_fault.ts";

const CRL = "2.5.29.31";
const DELTA_CRL = "2.5.29.46";
const uri = general.uri("ldap:///CN=CA,DC=example?certificateRevocationList");

/** Names in a place: `fullName` of a distribution point's `distributionPoint`. */
const place = (...names: Uint8Array[]) => der(0xa0, der(0xa0, ...names));

/** Reads a leaf with one extension more. */
function readWith(id: string, value: Uint8Array, critical = false) {
  return parseCertificate(forge({ extensions: [extension(id, critical, value)] }).der);
}

const MALFORMED: readonly [string, string, Uint8Array, string][] = [
  ["distribution points that are no sequence", CRL, der(0x05), "der.structure"],
  ["distribution points that are not DER", CRL, Uint8Array.of(0xff), "der.length"],
  ["bytes behind its distribution points", CRL, Uint8Array.of(...der(0x30), 0), "der.trailing"],
  ["no distribution point", CRL, der(0x30), "extension.distribution-points"],
  [
    "a distribution point that is a place",
    CRL,
    der(0x30, place(uri)),
    "extension.distribution-points",
  ],
  ["a distribution point of nothing", CRL, der(0x30, der(0x30)), "extension.distribution-points"],
  [
    "a distribution point without names",
    CRL,
    der(0x30, der(0x30, place())),
    "extension.distribution-points",
  ],
  [
    "a distribution point with a field more",
    CRL,
    der(0x30, der(0x30, place(uri), der(0x05))),
    "der.structure",
  ],
  ["delta distribution points that are no sequence", DELTA_CRL, der(0x05), "der.structure"],
  ["another extension of X.509 that is not DER", "2.5.29.18", Uint8Array.of(0x30), "der.length"],
];

for (const [what, id, value, rule] of MALFORMED) {
  Deno.test(`parseCertificate() refuses ${what}`, () => {
    const fault = readWith(id, value);
    assert(isCertificateFault(fault));
    assert.equal(fault.rule, rule);
  });
}

const WELL_FORMED: readonly [string, string, Uint8Array][] = [
  ["a place for revocation lists", CRL, der(0x30, der(0x30, place(uri)))],
  [
    "several places, reasons and an issuer",
    CRL,
    der(
      0x30,
      der(0x30, place(uri, uri), der(0x81, [1, 0x60])),
      der(0x30, der(0xa2, general.directory("CRL issuer"))),
    ),
  ],
  ["a place for delta lists", DELTA_CRL, der(0x30, der(0x30, place(uri)))],
  ["names of the issuer", "2.5.29.18", der(0x30, general.email("ca@example.org"))],
  ["a private extension that is not DER", "1.3.6.1.4.1.55555.1", Uint8Array.of(0xff)],
];

for (const [what, id, value] of WELL_FORMED) {
  Deno.test(`parseCertificate() passes over ${what}`, () => {
    const certificate = readWith(id, value);
    assert(!isCertificateFault(certificate), JSON.stringify(certificate));
    assert.deepEqual(certificate.faults, []);
  });
}

Deno.test("parseCertificate() finds at fault distribution points that are critical", () => {
  const certificate = readWith(CRL, der(0x30, der(0x30, place(uri))), true);
  assert(!isCertificateFault(certificate));
  assert.equal(certificate.faults[0]?.rule, "extension.unknown-critical");
});
