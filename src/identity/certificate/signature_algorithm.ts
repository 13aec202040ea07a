import { hex } from "../der/bytes.ts";
import { DerReader, type Element } from "../der/der.ts";
import { asOid, TAG } from "../der/der_values.ts";
import type { PublicKeyKind } from "./public_key.ts";

/** How a certificate was signed. */
export interface SignatureAlgorithm {
  /** Its name in words, `ecdsa-with-SHA256` for instance. */
  readonly name: string;
  /** The key kinds that can have made it; empty where the algorithm is not supported. */
  readonly keys: readonly PublicKeyKind[];
  /** The digest; none for Ed25519 and what is not supported. */
  readonly digest: "sha256" | "sha384" | "sha512" | undefined;
  /** The length of the salt of RSASSA-PSS, in octets; absent for every other algorithm. */
  readonly saltLength?: number;
}

interface Known extends SignatureAlgorithm {
  /** What RFC 4055 and RFC 8410 want as parameters. */
  readonly parameters: "absent" | "null";
}

/** Of P-521 not: the platform fails signatures over a digest of less than half its length. */
const SHORT_DIGEST: readonly PublicKeyKind[] = ["p-256", "p-384"];
const EC: readonly PublicKeyKind[] = [...SHORT_DIGEST, "p-521"];
const RSA: readonly PublicKeyKind[] = ["rsa"];

const SUPPORTED: ReadonlyMap<string, Known> = new Map<string, Known>([
  ["1.2.840.10045.4.3.2", known("ecdsa-with-SHA256", SHORT_DIGEST, "sha256", "absent")],
  ["1.2.840.10045.4.3.3", known("ecdsa-with-SHA384", EC, "sha384", "absent")],
  ["1.2.840.10045.4.3.4", known("ecdsa-with-SHA512", EC, "sha512", "absent")],
  ["1.3.101.112", known("Ed25519", ["ed25519"], undefined, "absent")],
  ["1.2.840.113549.1.1.11", known("sha256WithRSAEncryption", RSA, "sha256", "null")],
  ["1.2.840.113549.1.1.12", known("sha384WithRSAEncryption", RSA, "sha384", "null")],
  ["1.2.840.113549.1.1.13", known("sha512WithRSAEncryption", RSA, "sha512", "null")],
]);

const RSASSA_PSS = "1.2.840.113549.1.1.10";

/**
 * RSASSA-PSS by its parameters in hexadecimal: one spelling for each digest, with MGF1 of the same digest and a salt as
 * long (RFC 4055 §3.1, spelt as the CA/Browser Forum has it, Baseline Requirements §7.1.3.2.1).
 */
const PSS: ReadonlyMap<string, SignatureAlgorithm> = new Map(
  ([["sha256", 1, 32], ["sha384", 2, 48], ["sha512", 3, 64]] as const).map(
    ([digest, hash, saltLength]) => {
      const name = `RSASSA-PSS with ${digest.replace("sha", "SHA-")}`;
      return [pssParameters(hash, saltLength), { name, keys: RSA, digest, saltLength }];
    },
  ),
);

function pssParameters(hash: number, saltLength: number): string {
  const digest = `300d060960864801650304020${hash}0500`;
  const salt = saltLength.toString(16);
  return `3034a00f${digest}a11c301a06092a864886f70d010108${digest}a2030201${salt}`;
}

/** Refused by name, since people meet them. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ["1.2.840.113549.1.1.4", "md5WithRSAEncryption"],
  ["1.2.840.113549.1.1.5", "sha1WithRSAEncryption"],
  [RSASSA_PSS, "RSASSA-PSS with other parameters than usual"],
  ["1.2.840.10045.4.1", "ecdsa-with-SHA1"],
  ["1.3.101.113", "Ed448"],
]);

function known(
  name: string,
  keys: readonly PublicKeyKind[],
  digest: SignatureAlgorithm["digest"],
  parameters: Known["parameters"],
): Known {
  return { name, keys, digest, parameters };
}

/** Reads an AlgorithmIdentifier (RFC 5280 §4.1.1.2) from its element. */
export function readSignatureAlgorithm({ contents }: Element): SignatureAlgorithm {
  const fields = new DerReader(contents);
  const id = asOid(fields.next(TAG.oid, "the signature algorithm").contents);
  const parameters = fields.done ? undefined : fields.any();
  fields.end("the signature algorithm");
  if (id === RSASSA_PSS && parameters !== undefined) {
    const pss = PSS.get(hex(parameters.bytes));
    if (pss !== undefined) return pss;
  }
  const algorithm = SUPPORTED.get(id);
  const wanted = algorithm?.parameters === "null" ? TAG.null : undefined;
  if (algorithm !== undefined && parameters?.tag === wanted) return algorithm;
  const name = algorithm === undefined
    ? REFUSED.get(id) ?? `OID ${id}`
    : `${algorithm.name} with odd parameters`;
  return { name, keys: [], digest: undefined };
}
