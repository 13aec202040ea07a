import { createHash } from "node:crypto";
import { DerReader, type Element } from "../der/der.ts";
import { asOid, asWholeBytes, TAG } from "../der/der_values.ts";
import { Malformed } from "../der/malformed.ts";

/** The kinds of keys that certificates may carry here. */
export type PublicKeyKind = "p-256" | "p-384" | "p-521" | "ed25519" | "rsa";

/** A certificate's public key. */
export interface PublicKey {
  /** Its kind; what is `unsupported` is named by `algorithm`. */
  readonly kind: PublicKeyKind | "unsupported";
  /** The algorithm in words: `P-256`, `RSA-2048`, `OID 1.2.840.10040.4.1`. */
  readonly algorithm: string;
  /** The length of the modulus of an RSA key. */
  readonly bits?: number;
  /** The SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  /** SHA-256 over `spki`, lower-case hexadecimal. */
  readonly spkiSha256: string;
}

type Description = Pick<PublicKey, "kind" | "algorithm" | "bits">;

const OID = {
  ec: "1.2.840.10045.2.1",
  p256: "1.2.840.10045.3.1.7",
  p384: "1.3.132.0.34",
  p521: "1.3.132.0.35",
  ed25519: "1.3.101.112",
  rsa: "1.2.840.113549.1.1.1",
  rsaPss: "1.2.840.113549.1.1.10",
} as const;

/** The curves, and the octets of a coordinate. */
const CURVES: Readonly<
  Record<string, { kind: PublicKeyKind; algorithm: string; octets: number }>
> = {
  [OID.p256]: { kind: "p-256", algorithm: "P-256", octets: 32 },
  [OID.p384]: { kind: "p-384", algorithm: "P-384", octets: 48 },
  [OID.p521]: { kind: "p-521", algorithm: "P-521", octets: 66 },
};

/** Curves that issuers offer and nothing here checks, by the names that people know. */
const OTHER_CURVES: Readonly<Record<string, string>> = {
  "1.3.132.0.10": "secp256k1",
};

/** NIST SP 800-131A; the upper bound keeps a check below 5 ms. */
const RSA_BITS = { least: 2048, most: 8192 };

/** Reads a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) from its element. */
export function readPublicKey({ bytes, contents }: Element): PublicKey {
  const fields = new DerReader(contents);
  const algorithm = new DerReader(fields.next(TAG.sequence, "the key's algorithm").contents);
  const id = asOid(algorithm.next(TAG.oid, "the key's algorithm").contents);
  const parameters = algorithm.done ? undefined : algorithm.any();
  algorithm.end("the key's algorithm");
  const key = asWholeBytes(fields.next(TAG.bitString, "the key").contents);
  fields.end("the key");
  const spkiSha256 = createHash("sha256").update(bytes).digest("hex");
  return { ...describe(id, parameters, key), spki: bytes, spkiSha256 };
}

function describe(id: string, parameters: Element | undefined, key: Uint8Array): Description {
  switch (id) {
    case OID.ec:
      return describeCurve(parameters, key);
    case OID.ed25519:
      return parameters === undefined && key.length === 32
        ? { kind: "ed25519", algorithm: "Ed25519" }
        : unsupported("a misshapen Ed25519 key");
    case OID.rsa:
      return parameters?.tag === TAG.null
        ? describeRsa(key)
        : unsupported("an RSA key without NULL");
    case OID.rsaPss:
      return unsupported("an RSASSA-PSS key");
    default:
      return unsupported(`a key of OID ${id}`);
  }
}

function describeCurve(parameters: Element | undefined, key: Uint8Array): Description {
  if (parameters?.tag !== TAG.oid) return unsupported("a key on an unnamed curve");
  const id = asOid(parameters.contents);
  const curve = CURVES[id];
  if (curve === undefined) return unsupported(`a key on the curve ${OTHER_CURVES[id] ?? id}`);
  // SEC 1 §2.3.3: 04, x, y. A compressed point is another spelling of the same key.
  const { kind, algorithm, octets } = curve;
  const isPoint = key.length === 1 + 2 * octets && key[0] === 0x04;
  return isPoint ? { kind, algorithm } : unsupported("a compressed or misshapen point");
}

function describeRsa(key: Uint8Array): Description {
  const fields = new DerReader(new DerReader(key).next(TAG.sequence, "the RSA key").contents);
  const modulus = positive(fields.next(TAG.integer, "the RSA modulus").contents);
  const exponent = positive(fields.next(TAG.integer, "the RSA exponent").contents);
  fields.end("the RSA key");
  const bits = modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24;
  const algorithm = `RSA-${bits}`;
  const odd = (number: Uint8Array) => ((number.at(-1) ?? 0) & 1) === 1;
  const small = exponent.length === 1 && (exponent[0] ?? 0) < 3;
  if (!odd(modulus) || !odd(exponent) || small || exponent.length > 4) {
    return unsupported(`an ${algorithm} key with an unsafe modulus or exponent`);
  }
  const whole = bits % 8 === 0 && bits >= RSA_BITS.least && bits <= RSA_BITS.most;
  return whole ? { kind: "rsa", algorithm, bits } : unsupported(`an ${algorithm} key`);
}

function positive(contents: Uint8Array): Uint8Array {
  const [first = 0] = contents;
  if (first >= 0x80) throw new Malformed("key.rsa", "an RSA number is negative");
  return first === 0 && contents.length > 1 ? contents.subarray(1) : contents;
}

function unsupported(algorithm: string): Description {
  return { kind: "unsupported", algorithm };
}
