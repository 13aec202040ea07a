import assert from "node:assert/strict";
import {
  der,
  extension,
  forge,
  type ForgeOptions,
  general,
  OID,
} from "../../../tests/support/forge.ts";
import { parseCertificate } from "./certificate.ts";
import { isCertificateFault } from "./certificate_fault.ts";
import { summarize } from "./summary.ts";

function read(options: ForgeOptions) {
  const certificate = parseCertificate(forge(options).der);
  return isCertificateFault(certificate) ? assert.fail(certificate.found) : certificate;
}

Deno.test("parseCertificate() reads a certificate and keeps exactly its bytes", () => {
  const { der } = forge({ subject: "worker 1", names: [general.dns("A.example")] });
  const certificate = parseCertificate(der);
  assert(!isCertificateFault(certificate));
  assert.deepEqual(certificate.der, der);
  assert.equal(certificate.serial, "10203");
  assert.equal(certificate.publicKey.kind, "p-256");
  assert.equal(certificate.signatureAlgorithm.name, "ecdsa-with-SHA256");
  assert.deepEqual([...certificate.extensions.keyUsage!], ["digitalSignature"]);
  assert.deepEqual(certificate.faults, []);
  assert.deepEqual(summarize(certificate).names, ["dns:a.example"]);
  assert.equal(summarize(certificate).subject, "CN=worker 1");
});

Deno.test("parseCertificate() keeps nothing of the buffer it was given", () => {
  const padded = Uint8Array.of(...forge().der, 1, 2, 3);
  const certificate = parseCertificate(padded.subarray(0, -3));
  assert(!isCertificateFault(certificate));
  padded.fill(0);
  assert.equal(certificate.der[0], 0x30);
  assert.equal(certificate.der.buffer.byteLength, padded.length - 3);
});

Deno.test("summarize() escapes and caps what a peer made up", () => {
  const summary = summarize(read({ subject: `evil\u202e\n${"x".repeat(1000)}` }));
  assert(!/[\n\u202e]/.test(summary.subject));
  assert(summary.subject.length <= 256);
});

const UNREADABLE: readonly [string, Uint8Array, string][] = [
  ["X.509 v1", forge({ version: 0 }).der, "certificate.version"],
  ["X.509 v2", forge({ version: 1 }).der, "certificate.version"],
  ["X.509 v4", forge({ version: 3 }).der, "certificate.version"],
  ["nothing", new Uint8Array(), "der.length"],
  ["a trailing byte", Uint8Array.of(...forge().der, 0), "der.trailing"],
  ["a cut-off certificate", forge().der.subarray(0, -1), "der.length"],
  ["something else in DER", der(0x30, der(0x02, [1])), "der.structure"],
  [
    "two extensions of one kind",
    forge({ extensions: [extension(OID.keyUsage, true, der(0x03, [7, 0x80]))] }).der,
    "extension.duplicate",
  ],
  ["a serial with a leading zero", forge({ serial: [0, 1] }).der, "der.integer"],
  [
    "key usage of bits that there are not",
    forge({
      without: [OID.keyUsage],
      extensions: [extension(OID.keyUsage, true, der(0x03, [0, 0x80, 0x40]))],
    }).der,
    "extension.key-usage",
  ],
  [
    "key usage of more octets than it has bits for",
    forge({
      without: [OID.keyUsage],
      extensions: [extension(OID.keyUsage, true, der(0x03, [0, 0x80, 0, 0]))],
    }).der,
    "extension.key-usage",
  ],
  ["a name that is not ASCII", forge({ names: [der(0x82, [0xc3, 0xa9])] }).der, "der.string"],
  [
    "an empty list of names",
    forge({ names: [], extensions: [extension(OID.subjectAlternativeName, false, der(0x30))] }).der,
    "san.count",
  ],
  [
    "an empty list of purposes",
    forge({ purposes: [], extensions: [extension(OID.extendedKeyUsage, false, der(0x30))] }).der,
    "extension.purposes",
  ],
];

for (const [what, bytes, rule] of UNREADABLE) {
  Deno.test(`parseCertificate() refuses ${what}`, () => {
    const fault = parseCertificate(bytes);
    assert(isCertificateFault(fault));
    assert.equal(fault.rule, rule);
  });
}

const FAULTY: readonly [string, ForgeOptions, string][] = [
  ["a space in a DNS name", { names: [general.dns("a b.example")] }, "san.dns"],
  ["a comma in a DNS name", { names: [general.dns("a,b.example")] }, "san.dns"],
  ["a wildcard within a label", { names: [general.dns("w*.pool.internal")] }, "san.dns"],
  ["a wildcard alone", { names: [general.dns("*")] }, "san.dns"],
  ["a wildcard further right", { names: [general.dns("a.*.internal")] }, "san.dns"],
  ["a trailing dot", { names: [general.dns("a.b.")] }, "san.dns"],
  ["an IP address of five bytes", { names: [general.ip(10, 0, 0, 1, 0)] }, "san.ip"],
  ["a URI that is relative", { names: [general.uri("/worker")] }, "san.uri"],
  [
    "a SPIFFE ID with a space in it",
    { names: [general.uri("spiffe://example.org/x y")] },
    "san.uri",
  ],
  ["a SPIFFE ID in capitals", { names: [general.uri("SPIFFE://example.org/x")] }, "san.uri"],
  [
    "more names than anybody needs",
    { names: Array.from({ length: 257 }, (_, i) => general.dns(`h${i}.example`)) },
    "san.count",
  ],
  ["names that are not critical beside no subject", {
    subject: "",
    issuerNamed: "root",
    without: [OID.subjectAlternativeName],
    extensions: [
      extension(OID.subjectAlternativeName, false, der(0x30, general.dns("a.b"))),
    ],
  }, "san.critical"],
  [
    "an unknown critical extension",
    { extensions: [extension("1.3.6.1.4.1.55738.666.1", true, der(0x05))] },
    "extension.unknown-critical",
  ],
  ["dates the wrong way round", { notBefore: 2e12, notAfter: 1e12 }, "certificate.dates"],
];

for (const [what, options, rule] of FAULTY) {
  Deno.test(`parseCertificate() reads, and finds at fault, ${what}`, () => {
    const { faults, advised } = read(options);
    assert.equal([...faults, ...advised][0]?.rule, rule);
  });
}

Deno.test("parseCertificate() passes over an unknown extension that is not critical", () => {
  assert.deepEqual(read({ extensions: [extension("1.2.3.4", false, der(0x05))] }).faults, []);
});
