import { constants, createPublicKey, type KeyObject, verify } from "node:crypto";
import type { Certificate } from "../certificate/certificate.ts";
import type { Check } from "./check.ts";
import { rawEcdsaSignature } from "./ecdsa_signature.ts";
import type { PublicKey } from "../certificate/public_key.ts";

/** The curves whose signatures are checked beside the event loop, and the octets of their order. */
const CHECKED_BESIDE = {
  "p-384": { namedCurve: "P-384", orderBytes: 48 },
  "p-521": { namedCurve: "P-521", orderBytes: 66 },
} as const;

const { RSA_PKCS1_PSS_PADDING: PSS_PADDING } = constants;

const keys = new WeakMap<Certificate, KeyObject | null>();
const webKeys = new WeakMap<Certificate, CryptoKey | null>();

/** Whether an issuer's key signed a certificate, as a check to be made. */
export class SignatureCheck implements Check {
  readonly #certificate: Certificate;
  readonly #issuer: Certificate;

  constructor(certificate: Certificate, issuer: Certificate) {
    this.#certificate = certificate;
    this.#issuer = issuer;
  }

  atOnce(): boolean {
    return isSignedBy(this.#certificate, this.#issuer);
  }

  // In Deno 2.9.6 a check under P-384 takes 0.8 of the processor time by Web Cryptography, and none of the event
  // loop's; the other kinds cost little where they are.
  soon(): boolean | Promise<boolean> {
    const { kind } = this.#issuer.publicKey;
    return kind === "p-384" || kind === "p-521"
      ? isSignedBeside(this.#certificate, this.#issuer, kind)
      : this.atOnce();
  }
}

/** Whether the issuer's key signed the certificate. Nothing else of either is judged. */
export function isSignedBy(certificate: Certificate, issuer: Certificate): boolean {
  const { signatureAlgorithm, signature, tbs } = certificate;
  const { kind } = issuer.publicKey;
  if (kind === "unsupported" || !signatureAlgorithm.keys.includes(kind)) return false;
  const key = keyOf(issuer);
  if (key === null) return false;
  try {
    const { digest = null, saltLength } = signatureAlgorithm;
    const by = saltLength === undefined ? key : { key, padding: PSS_PADDING, saltLength };
    return verify(digest, tbs, by, signature);
  } catch {
    // The platform throws on a signature it cannot decode; that is a signature that does not hold.
    return false;
  }
}

async function isSignedBeside(
  certificate: Certificate,
  issuer: Certificate,
  kind: keyof typeof CHECKED_BESIDE,
): Promise<boolean> {
  const { signatureAlgorithm: { keys, digest }, signature, tbs } = certificate;
  const { namedCurve, orderBytes } = CHECKED_BESIDE[kind];
  const raw = rawEcdsaSignature(signature, orderBytes);
  if (!keys.includes(kind) || digest === undefined || raw === undefined) return false;
  const hash = digest.replace("sha", "SHA-");
  try {
    const key = await webKeyOf(issuer, namedCurve);
    return key !== null &&
      await crypto.subtle.verify({ name: "ECDSA", hash }, key, raw, tbs as BufferSource);
  } catch {
    return false;
  }
}

async function webKeyOf(issuer: Certificate, namedCurve: string): Promise<CryptoKey | null> {
  const known = webKeys.get(issuer);
  if (known !== undefined) return known;
  const key = await crypto.subtle.importKey(
    "spki",
    issuer.publicKey.spki as BufferSource,
    { name: "ECDSA", namedCurve },
    false,
    ["verify"],
  ).catch(() => null);
  webKeys.set(issuer, key);
  return key;
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

/** What a check takes in microseconds of one core of an AMD EPYC (Deno 2.9.6), each as it is made `soon`. */
export const ORDINARY_COST = 440;
const COST = {
  "p-256": ORDINARY_COST,
  "p-384": 840,
  "p-521": 1240,
  ed25519: 50,
  unsupported: 0,
} as const;
/** RSA: with the square of the length of the key. */
const RSA_2048_COST = 130;

/** What a check with that key costs, in units of `Work`. */
export function signatureCost({ kind, bits }: PublicKey): number {
  return kind === "rsa" ? RSA_2048_COST * ((bits ?? 0) / 2048) ** 2 : COST[kind];
}
