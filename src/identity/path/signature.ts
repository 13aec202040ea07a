import { createPublicKey, type KeyObject, verify } from "node:crypto";
import type { Certificate } from "../certificate/certificate.ts";
import type { PublicKey } from "../certificate/public_key.ts";

const keys = new WeakMap<Certificate, KeyObject | null>();

/** Whether the issuer's key signed the certificate. Nothing else of either is judged. */
export function isSignedBy(certificate: Certificate, issuer: Certificate): boolean {
  const { signatureAlgorithm, signature, tbs } = certificate;
  const { kind } = issuer.publicKey;
  if (kind === "unsupported" || !signatureAlgorithm.keys.includes(kind)) return false;
  const key = keyOf(issuer);
  if (key === null) return false;
  try {
    return verify(signatureAlgorithm.digest ?? null, tbs, key, signature);
  } catch {
    // The platform throws on a signature it cannot decode; that is a signature that does not hold.
    return false;
  }
}

function keyOf(issuer: Certificate): KeyObject | null {
  const known = keys.get(issuer);
  if (known !== undefined) return known;
  const key = importKey(issuer.publicKey.spki);
  keys.set(issuer, key);
  return key;
}

function importKey(spki: Uint8Array): KeyObject | null {
  try {
    return createPublicKey({ key: spki as never, format: "der", type: "spki" });
  } catch {
    // A point that is not on its curve, for instance: no signature holds under such a key.
    return null;
  }
}

/** What a P-256 check takes in microseconds of one core of an AMD EPYC (Deno 2.9.6). */
export const ORDINARY_COST = 440;
const COST = { "p-256": ORDINARY_COST, "p-384": 1060, ed25519: 50, unsupported: 0 } as const;
/** RSA: with the square of the length of the key. */
const RSA_2048_COST = 130;

/** What a check with that key costs, in units of `Work`. */
export function signatureCost({ kind, bits }: PublicKey): number {
  return kind === "rsa" ? RSA_2048_COST * ((bits ?? 0) / 2048) ** 2 : COST[kind];
}
