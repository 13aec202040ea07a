/** What is not a certificate, or not only one, where a certificate is expected: our reader alone is given it. */
import assert from "node:assert/strict";
import { der, forge } from "../../../tests/support/forge.ts";
import { judge, leaf, refused, root } from "../../../tests/support/judging.ts";
import { parseCertificate } from "./certificate.ts";
import { isCertificateFault } from "./certificate_fault.ts";

const intermediate = forge({ subject: "between", authority: true, issuer: root });

/** Ways to make of a certificate's DER what is not one, and the rule that it breaks. */
const WAYS: Readonly<Record<string, readonly [(bytes: Uint8Array) => Uint8Array, string]>> = {
  "a certificate with a byte behind its end": [
    (bytes) => Uint8Array.of(...bytes, 0),
    "der.trailing",
  ],
  "two certificates in one": [(bytes) => Uint8Array.of(...bytes, ...bytes), "der.trailing"],
  "a certificate whose length has a shorter form": [
    (bytes) => Uint8Array.of(0x30, 0x83, 0, ...bytes.subarray(2)),
    "der.length",
  ],
  "a certificate of indefinite length": [
    (bytes) => Uint8Array.of(0x30, 0x80, ...bytes.subarray(4), 0, 0),
    "der.length",
  ],
  "a certificate that is cut off": [(bytes) => bytes.subarray(0, -1), "der.length"],
  "a SEQUENCE around a certificate": [(bytes) => der(0x30, bytes), "der.structure"],
  "a certificate in PEM": [
    (bytes) => new TextEncoder().encode(`-----BEGIN CERTIFICATE-----\n${bytes.toBase64()}`),
    "der.trailing",
  ],
  "no bytes": [() => new Uint8Array(0), "der.length"],
  "zeros": [() => new Uint8Array(300), "der.trailing"],
  "bytes without a structure": [() => new Uint8Array(300).fill(0xa5), "der.length"],
};

for (const [what, [made, rule]] of Object.entries(WAYS)) {
  Deno.test(`parseCertificate() refuses ${what}`, () => {
    const fault = parseCertificate(made(leaf().der));
    assert(isCertificateFault(fault));
    assert.equal(fault.rule, rule);
  });

  Deno.test(`judgePeer() refuses a peer whose certificate is ${what}`, () => {
    const verdict = refused(judge([made(leaf({ issuer: intermediate }).der), intermediate]));
    assert.deepEqual([verdict.reason, verdict.rule], ["certificate-unsuitable", rule]);
  });

  Deno.test(`judgePeer() refuses a leaf above which stands ${what}`, () => {
    const verdict = refused(judge([leaf({ issuer: intermediate }), made(intermediate.der)]));
    assert.equal(verdict.reason, "untrusted-authority");
  });
}
