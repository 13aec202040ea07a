import { createPublicKey, type KeyObject, verify } from "node:crypto";
import type { Certificate } from "../certificate/certificate.ts";
import type { ProvenSignatures } from "./proven_signatures.ts";

/** Makes at most so many signature checks, and none twice. */
export class SignatureChecks {
  readonly #proven: ProvenSignatures;
  readonly #now: number;
  readonly #outcomes = new Map<string, boolean>();
  #remaining: number;

  constructor(most: number, proven: ProvenSignatures, now: number) {
    this.#remaining = most;
    this.#proven = proven;
    this.#now = now;
  }

  /** Tells whether a check was needed that there was no more room for. */
  exhausted = false;

  /** The certificate of a path that is not shown to be signed by the next; none where all are. */
  firstUnproven(path: readonly Certificate[]): Certificate | undefined {
    // From the anchor down: what nobody trusted has signed is found out at the first check.
    for (let i = path.length - 2; i >= 0; i--) {
      if (!this.#holds(path[i]!, path[i + 1]!)) return path[i];
    }
    return undefined;
  }

  /** Remembers the signatures of an accepted path. */
  remember(path: readonly Certificate[]): void {
    for (let i = 0; i + 1 < path.length; i++) this.#proven.add(path[i]!, path[i + 1]!);
  }

  #holds(certificate: Certificate, issuer: Certificate): boolean {
    if (this.#proven.has(certificate, issuer, this.#now)) return true;
    const pair = certificate.fingerprint + issuer.publicKey.spkiSha256;
    const known = this.#outcomes.get(pair);
    if (known !== undefined) return known;
    if (this.#remaining === 0) {
      this.exhausted = true;
      return false;
    }
    this.#remaining--;
    const outcome = isSignedBy(certificate, issuer);
    this.#outcomes.set(pair, outcome);
    return outcome;
  }
}

const keys = new WeakMap<Certificate, KeyObject | null>();

/** Tells whether the issuer's key signed the certificate. Nothing else of either is judged. */
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
