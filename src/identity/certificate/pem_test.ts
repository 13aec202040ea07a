import assert from "node:assert/strict";
import { forge } from "../../../tests/support/forge.ts";
import { isCertificateFault } from "./certificate_fault.ts";
import { formatPemBundle, parsePemBundle } from "./pem.ts";

function pem(der: Uint8Array, label = "CERTIFICATE"): string {
  return `-----BEGIN ${label}-----\n${der.toBase64()}\n-----END ${label}-----\n`;
}

const [a, b] = [forge({ subject: "a", authority: true }), forge({ subject: "b", authority: true })];

Deno.test("parsePemBundle() reads every block and passes over the text between", () => {
  const bundle = parsePemBundle(`# first\n${pem(a.der)}\nsecond:\r\n${pem(b.der)}`);
  assert(!isCertificateFault(bundle));
  assert.deepEqual(bundle.map(({ der }) => der), [a.der, b.der]);
});

Deno.test("formatPemBundle() writes what parsePemBundle() reads", () => {
  const bundle = parsePemBundle(pem(a.der) + pem(b.der));
  assert(!isCertificateFault(bundle));
  assert.deepEqual(parsePemBundle(formatPemBundle(bundle)), bundle);
});

const UNUSABLE: readonly [string, string][] = [
  ["nothing", ""],
  ["text that is no PEM", "no certificate here"],
  ["one bad block among good ones", pem(a.der) + pem(a.der.subarray(1)) + pem(b.der)],
  ["a block cut off at the end", pem(a.der) + pem(b.der).slice(0, -40)],
  ["a private key", pem(a.der) + pem(Uint8Array.of(0x30, 0), "PRIVATE KEY")],
  ["a block that is not base64", pem(a.der).replace(/.\n-----END/, "*\n-----END")],
  ["an empty block", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"],
  ["bytes after the certificate", pem(Uint8Array.of(...a.der, 0))],
];

for (const [what, text] of UNUSABLE) {
  Deno.test(`parsePemBundle() refuses ${what}`, () => {
    assert(isCertificateFault(parsePemBundle(text)));
  });
}
