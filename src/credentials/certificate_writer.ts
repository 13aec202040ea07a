import { createHash, createPublicKey, type KeyObject, sign } from "node:crypto";
import { isIP } from "node:net";
import {
  bitString,
  booleanTrue,
  namedBits,
  nullValue,
  objectIdentifier,
  octetString,
  sequence,
  setOfOne,
  smallInteger,
  tagged,
  time,
  unsignedInteger,
  utf8String,
} from "./der_writer.ts";

/** What a certificate says (RFC 5280 §4.1.2). Nothing is checked: tests write wrong ones with it. */
export interface CertificateFields {
  /** X.509 version. Default 3. */
  readonly version?: 1 | 3;
  /** Serial number, big-endian. */
  readonly serial: Uint8Array;
  /** The issuer's name, in DER. */
  readonly issuer: Uint8Array;
  /** The subject's name, in DER. */
  readonly subject: Uint8Array;
  /** First moment of validity, in milliseconds since the epoch; written in whole seconds. */
  readonly notBefore: number;
  /** Last moment of validity, in milliseconds since the epoch; written in whole seconds. */
  readonly notAfter: number;
  /** The subject's key, private or public. */
  readonly key: KeyObject;
  /** Extensions, in DER. Without any the member is left out. */
  readonly extensions: readonly Uint8Array[];
}

/** Writes a certificate in DER, signed with the issuer's private key. */
export function writeCertificate(
  fields: CertificateFields,
  issuerKey: KeyObject,
): Uint8Array<ArrayBuffer> {
  const algorithm = signatureAlgorithm(issuerKey);
  const { extensions } = fields;
  const tbs = sequence(
    ...(fields.version === 1 ? [] : [tagged(0xa0, smallInteger(2))]),
    unsignedInteger(fields.serial),
    algorithm.identifier,
    fields.issuer,
    sequence(time(fields.notBefore), time(fields.notAfter)),
    fields.subject,
    subjectPublicKeyInfo(fields.key),
    ...(extensions.length === 0 ? [] : [tagged(0xa3, sequence(...extensions))]),
  );
  const signature = sign(algorithm.digest, tbs, issuerKey);
  return sequence(tbs, algorithm.identifier, bitString(signature));
}

/** A name of one common name. */
export function commonName(text: string): Uint8Array<ArrayBuffer> {
  return sequence(setOfOne(sequence(objectIdentifier("2.5.4.3"), utf8String(text))));
}

/** Any extension. */
export function extension(
  oid: string,
  critical: boolean,
  value: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return sequence(
    objectIdentifier(oid),
    ...(critical ? [booleanTrue()] : []),
    octetString(value),
  );
}

/** Basic constraints of a CA, critical (RFC 5280 §4.2.1.9). */
export function certificateAuthority(pathLength?: number): Uint8Array<ArrayBuffer> {
  const members = pathLength === undefined
    ? [booleanTrue()]
    : [booleanTrue(), smallInteger(pathLength)];
  return extension("2.5.29.19", true, sequence(...members));
}

/** Basic constraints of a leaf, critical. */
export function notCertificateAuthority(): Uint8Array<ArrayBuffer> {
  return extension("2.5.29.19", true, sequence());
}

/** The bits of the key usage that we write (RFC 5280 §4.2.1.3). */
const KEY_USAGE_BITS = {
  digitalSignature: 0,
  keyEncipherment: 2,
  keyCertSign: 5,
  cRLSign: 6,
} as const;

/** A key usage that we write. */
export type KeyUsageName = keyof typeof KEY_USAGE_BITS;

/** Key usage, critical. */
export function keyUsage(...usages: readonly KeyUsageName[]): Uint8Array<ArrayBuffer> {
  return extension("2.5.29.15", true, namedBits(usages.map((usage) => KEY_USAGE_BITS[usage])));
}

/** What a TLS certificate may be used for. */
export type TlsUsage = "server" | "client";

const PURPOSES: Readonly<Record<TlsUsage, string>> = {
  server: "1.3.6.1.5.5.7.3.1",
  client: "1.3.6.1.5.5.7.3.2",
};

/** Extended key usage (RFC 5280 §4.2.1.12). */
export function extendedKeyUsage(...usages: readonly TlsUsage[]): Uint8Array<ArrayBuffer> {
  const purposes = usages.map((usage) => objectIdentifier(PURPOSES[usage]));
  return extension("2.5.29.37", false, sequence(...purposes));
}

/** Subject key identifier (RFC 5280 §4.2.1.2). */
export function subjectKeyIdentifier(key: KeyObject): Uint8Array<ArrayBuffer> {
  return extension("2.5.29.14", false, octetString(keyIdentifier(key)));
}

/** Authority key identifier (RFC 5280 §4.2.1.1), the issuer's subject key identifier. */
export function authorityKeyIdentifier(identifier: Uint8Array): Uint8Array<ArrayBuffer> {
  return extension("2.5.29.35", false, sequence(tagged(0x80, identifier)));
}

/** A subject alternative name, by kind. */
export type AlternativeName =
  | { readonly dns: string }
  | { readonly uri: string }
  | { readonly ip: string };

/** Subject alternative names (RFC 5280 §4.2.1.6). */
export function alternativeNames(names: readonly AlternativeName[]): Uint8Array<ArrayBuffer> {
  return extension("2.5.29.17", false, sequence(...names.map(generalName)));
}

function generalName(name: AlternativeName): Uint8Array<ArrayBuffer> {
  if ("ip" in name) return tagged(0x87, ipOctets(name.ip));
  const [tag, text] = "dns" in name ? [0x82, name.dns] : [0x86, name.uri];
  return tagged(tag, Uint8Array.from(text, (character) => character.charCodeAt(0)));
}

/** The 4 or 16 octets of an IP address. */
function ipOctets(address: string): Uint8Array {
  if (isIP(address) === 4) return Uint8Array.from(address.split("."), Number);
  const [head = "", tail] = mappedTail(address).split("::");
  const front = groups(head);
  const back = tail === undefined ? [] : groups(tail);
  const middle = new Array<number>(8 - front.length - back.length).fill(0);
  const all = [...front, ...middle, ...back];
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

function groups(text: string): number[] {
  return text === "" ? [] : text.split(":").map((group) => parseInt(group, 16));
}

/** Writes the dotted end of `::ffff:192.0.2.1` as two groups. */
function mappedTail(address: string): string {
  return address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) => {
    const group = (high: string, low: string) => (Number(high) * 256 + Number(low)).toString(16);
    return `${group(a, b)}:${group(c, d)}`;
  });
}

/** What names a key: SHA-256 over its SubjectPublicKeyInfo (RFC 7093 §2), cut to the usual length. */
export function keyIdentifier(key: KeyObject): Uint8Array {
  return createHash("sha256").update(subjectPublicKeyInfo(key)).digest().subarray(0, 20);
}

function subjectPublicKeyInfo(key: KeyObject): Uint8Array {
  const publicKey = key.type === "private" ? createPublicKey(key) : key;
  return publicKey.export({ type: "spki", format: "der" });
}

interface SignatureAlgorithm {
  readonly identifier: Uint8Array;
  readonly digest: string | null;
}

function signatureAlgorithm(key: KeyObject): SignatureAlgorithm {
  switch (key.asymmetricKeyType) {
    case "ed25519":
      return { identifier: sequence(objectIdentifier("1.3.101.112")), digest: null };
    case "rsa":
      return {
        identifier: sequence(objectIdentifier("1.2.840.113549.1.1.11"), nullValue()),
        digest: "sha256",
      };
    case "ec":
      return ecdsaWith(ECDSA_DIGEST[key.asymmetricKeyDetails?.namedCurve ?? ""] ?? "sha256");
    default:
      throw new TypeError(`no certificate is signed with a key of type ${key.asymmetricKeyType}`);
  }
}

const ECDSA_DIGEST: Readonly<Record<string, keyof typeof ECDSA>> = {
  secp384r1: "sha384",
  secp521r1: "sha512",
};

const ECDSA = {
  sha256: "1.2.840.10045.4.3.2",
  sha384: "1.2.840.10045.4.3.3",
  sha512: "1.2.840.10045.4.3.4",
} as const;

function ecdsaWith(digest: keyof typeof ECDSA): SignatureAlgorithm {
  return { identifier: sequence(objectIdentifier(ECDSA[digest])), digest };
}
