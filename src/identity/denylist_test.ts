import assert from "node:assert/strict";
import { ConfigurationError } from "../errors/mod.ts";
import { forge } from "../../tests/support/forge.ts";
import { parseCertificate } from "./certificate/certificate.ts";
import { isCertificateFault } from "./certificate/certificate_fault.ts";
import { Denylist } from "./denylist.ts";

Deno.test("Denylist.parse() counts what it read", () => {
  const text = JSON.stringify({
    spiffeIds: ["spiffe://td/a"],
    serials: ["00:AB:cd", "0"],
    spkiSha256: ["ab".repeat(32)],
  });
  assert.equal(Denylist.parse(text).size, 4);
  assert.equal(Denylist.parse("{}").size, 0);
});

const denied = parseCertificate(forge({ subject: "denied", serial: [0x04, 0xfa, 0x3e] }).der);
assert(!isCertificateFault(denied));
const { serial, publicKey: { spkiSha256 } } = denied;
const bytes = serial.padStart(serial.length + serial.length % 2, "0").match(/../g)!;
const pin = Uint8Array.fromHex(spkiSha256).toBase64();

for (
  const [tool, entries] of [
    ["openssl x509 -serial", { serials: [`serial=${bytes.join("").toUpperCase()}`] }],
    ["openssl x509 -text", { serials: [bytes.join(":")] }],
    ["openssl x509 -text, of a short one", { serials: [`0x${serial}`] }],
    ["Windows", { serials: [bytes.join(" ")] }],
    ["a line with its end", { serials: [`${serial}\n`] }],
    ["openssl dgst -c", { spkiSha256: [spkiSha256.match(/../g)!.join(":")] }],
    ["curl --pinnedpubkey", { spkiSha256: [`sha256//${pin}`] }],
    ["openssl enc -base64", { spkiSha256: [`${pin}\n`] }],
  ] as const
) {
  Deno.test(`Denylist.parse() takes what a certificate has as ${tool} writes it`, () => {
    assert.notEqual(Denylist.parse(JSON.stringify(entries)).entryAgainst(denied), undefined);
  });
}

Deno.test("Denylist.parse() takes no decimal serial, which would deny nobody", () => {
  // As Go and Python print one of 128 bits.
  const decimal = "298374650192837465019283746501928374650";
  assert.throws(
    () => Denylist.parse(JSON.stringify({ serials: [decimal] })),
    /looks decimal, "2983.*; write it in hexadecimal, with 0x before it if it is/,
  );
  assert.equal(Denylist.parse(JSON.stringify({ serials: [`0x${decimal}`] })).size, 1);
});

Deno.test("Denylist.parse() counts no string of a list as a list", () => {
  const odd = '{"spiffeIds":["spiffe://td/a"] , "serials" : ["00"]}';
  assert.equal(Denylist.parse(odd).size, 2);
});

for (
  const text of [
    "",
    "[]",
    "null",
    '"spiffe://td/a"',
    '{"spiffeIds":"spiffe://td/a"}',
    '{"spiffeIds":[1]}',
    '{"spiffeIds":["td/a"]}',
    '{"serials":["xyz"]}',
    '{"serials":[""]}',
    '{"spkiSha256":["abcd"]}',
    '{"serial":["01"]}',
    '{"serials":["01"],"serials":[]}',
    '{"serials":["01"],"\\u0073erials":[]}',
  ]
) {
  Deno.test(`Denylist.parse() refuses ${text || "nothing"}, rather than deny nobody`, () => {
    assert.throws(() => Denylist.parse(text), ConfigurationError);
  });
}
