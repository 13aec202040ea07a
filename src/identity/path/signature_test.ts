import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import fc from "../../../tests/support/fast_check.ts";
import { forge } from "../../../tests/support/forge.ts";
import { read } from "../../../tests/support/judging.ts";
import { rawEcdsaSignature } from "./ecdsa_signature.ts";
import type { Certificate } from "../certificate/certificate.ts";
import { SignatureCheck } from "./signature.ts";

const signer = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const certificate = read(forge({ signedBy: signer }));

/** A key, and an authority with it. */
function authorityOn(namedCurve: string) {
  const keys = generateKeyPairSync("ec", { namedCurve });
  const issuer = read(forge({ subject: "authority", authority: true, keys, signedBy: signer }));
  return { keys, issuer };
}

const CURVES = [
  { name: "P-384", digests: ["sha256", "sha384", "sha512"], ...authorityOn("P-384") },
  { name: "P-521", digests: ["sha384", "sha512"], ...authorityOn("P-521") },
] as const;

/** A certificate with that signature, said to be of any curve. */
function signedWith(
  digest: "sha256" | "sha384" | "sha512",
  { privateKey }: typeof CURVES[0]["keys"],
) {
  const signature = sign(digest, certificate.tbs, privateKey);
  const keys = ["p-384", "p-521"] as const;
  return { ...certificate, signatureAlgorithm: { name: "any", keys, digest }, signature };
}

/** The outcome of both ways, which must be one. */
async function outcomeOf(signed: Certificate, by: Certificate): Promise<boolean> {
  const check = new SignatureCheck(signed, by);
  const outcome = await check.soon();
  assert.equal(check.atOnce(), outcome);
  return outcome;
}

for (const { name, digests, keys, issuer } of CURVES) {
  Deno.test(`SignatureCheck has the same outcome at once and beside the loop, with each digest (${name})`, async () => {
    const other = authorityOn(name).issuer;
    for (const digest of digests) {
      const signed = signedWith(digest, keys);
      assert(await outcomeOf(signed, issuer));
      assert(!await outcomeOf(signed, other));
      assert(!await outcomeOf({ ...signed, tbs: signed.tbs.slice(1) }, issuer));
    }
  });

  Deno.test(`SignatureCheck takes no signature of which a bit was changed, in either way (${name})`, async () => {
    const signed = signedWith("sha384", keys);
    await fc.assert(
      fc.asyncProperty(fc.nat(8 * signed.signature.length - 1), async (bit) => {
        const signature = signed.signature.slice();
        signature[bit >> 3]! ^= 1 << (bit & 7);
        assert(!await outcomeOf({ ...signed, signature }, issuer));
      }),
      { numRuns: 60 },
    );
  });

  Deno.test(`SignatureCheck refuses a signature of another kind of key under a ${name} key`, async () => {
    const signed = signedWith("sha384", keys);
    for (const kind of ["rsa", "ed25519"] as const) {
      const signatureAlgorithm = { ...signed.signatureAlgorithm, keys: [kind] };
      assert(!await outcomeOf({ ...signed, signatureAlgorithm }, issuer));
    }
  });
}

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
