import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import fc from "../../../tests/support/fast_check.ts";
import { forge } from "../../../tests/support/forge.ts";
import { read } from "../../../tests/support/judging.ts";
import { rawEcdsaSignature } from "./ecdsa_signature.ts";
import { SignatureCheck } from "./signature.ts";

const keys = generateKeyPairSync("ec", { namedCurve: "P-384" });
const authority = forge({ subject: "authority", authority: true, keys });
const issuer = read(authority);
const other = read(forge({
  subject: "other",
  authority: true,
  keys: generateKeyPairSync("ec", { namedCurve: "P-384" }),
}));
const certificate = read(forge({ issuer: authority }));

/** The outcome of both ways, which must be one. */
async function outcomeOf(signed: typeof certificate, by = issuer): Promise<boolean> {
  const check = new SignatureCheck(signed, by);
  const outcome = await check.soon();
  assert.equal(check.atOnce(), outcome);
  return outcome;
}

Deno.test("SignatureCheck has the same outcome at once and beside the loop, with each digest", async () => {
  for (const digest of ["sha256", "sha384", "sha512"] as const) {
    const signature = sign(digest, certificate.tbs, keys.privateKey);
    const signatureAlgorithm = { ...certificate.signatureAlgorithm, digest };
    const signed = { ...certificate, signatureAlgorithm, signature };
    assert(await outcomeOf(signed));
    assert(!await outcomeOf(signed, other));
    assert(!await outcomeOf({ ...signed, tbs: signed.tbs.slice(1) }));
  }
});

Deno.test("SignatureCheck takes no signature of which a bit was changed, in either way", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(8 * certificate.signature.length - 1), async (bit) => {
      const signature = certificate.signature.slice();
      signature[bit >> 3]! ^= 1 << (bit & 7);
      assert(!await outcomeOf({ ...certificate, signature }));
    }),
    { numRuns: 60 },
  );
});

Deno.test("SignatureCheck refuses a signature of another kind of key under a P-384 key", async () => {
  const { signatureAlgorithm } = certificate;
  const keysOf = (...kinds: ("rsa" | "ed25519")[]) => ({ ...signatureAlgorithm, keys: kinds });
  assert(!await outcomeOf({ ...certificate, signatureAlgorithm: keysOf("rsa") }));
  assert(!await outcomeOf({ ...certificate, signatureAlgorithm: keysOf("ed25519") }));
});

const numbers = (...all: number[][]) => {
  const contents = all.flatMap((bytes) => [0x02, bytes.length, ...bytes]);
  return Uint8Array.of(0x30, contents.length, ...contents);
};

Deno.test("rawEcdsaSignature() reads two numbers, and pads them", () => {
  assert.deepEqual(rawEcdsaSignature(numbers([1], [0, 0x80]), 2), Uint8Array.of(0, 1, 0, 0x80));
  assert.deepEqual(
    rawEcdsaSignature(numbers([0, 0xff, 1], [0x7f, 2]), 2),
    Uint8Array.of(0xff, 1, 0x7f, 2),
  );
});

for (
  const [what, signature] of [
    ["nothing", new Uint8Array()],
    ["one number", numbers([1])],
    ["three numbers", numbers([1], [2], [3])],
    ["a negative number", numbers([0x80], [1])],
    ["a number longer than it need be", numbers([0, 1], [1])],
    ["a number that is too large", numbers([1, 0, 0], [1])],
    ["an empty number", numbers([], [1])],
    ["bytes behind it", Uint8Array.of(...numbers([1], [1]), 0)],
  ] as const
) {
  Deno.test(`rawEcdsaSignature() takes no ${what}`, () => {
    assert.equal(rawEcdsaSignature(signature, 2), undefined);
  });
}
