import { createHash } from "node:crypto";
import { sameBytes } from "../der/bytes.ts";
import { type CertificateFault, certificateFault } from "./certificate_fault.ts";
import { contextTag, DerReader, type Element, readDer } from "../der/der.ts";
import { asSmallInteger, asTime, asWholeBytes, TAG } from "../der/der_values.ts";
import { Malformed } from "../der/malformed.ts";
import { type DistinguishedName, readName } from "./distinguished_name.ts";
import { type Extensions, readExtensions } from "./extensions.ts";
import { escapePeerText } from "../../errors/mod.ts";
import { type PublicKey, readPublicKey } from "./public_key.ts";
import type { SpiffeId } from "../names/spiffe_id.ts";
import { readSignatureAlgorithm, type SignatureAlgorithm } from "./signature_algorithm.ts";

/**
 * An X.509 certificate read from strict DER: a plain value, nothing of it taken from the platform.
 *
 * It has been *read*, not believed: `faults` says what forbids its use in any path.
 */
export interface Certificate {
  /** The exact bytes. */
  readonly der: Uint8Array;
  /** SHA-256 over `der`, lower-case hexadecimal. */
  readonly fingerprint: string;
  /** The signed part. */
  readonly tbs: Uint8Array;
  /** Serial number, lower-case hexadecimal without leading zeros; `-` before a negative one. */
  readonly serial: string;
  /** Who signed it, as it claims. */
  readonly issuer: DistinguishedName;
  /** Whom it is about; may be empty where there are subject alternative names. */
  readonly subject: DistinguishedName;
  /** First instant of validity, milliseconds since the epoch. */
  readonly notBefore: number;
  /** Last second of validity, milliseconds since the epoch. */
  readonly notAfter: number;
  /** The subject's key. */
  readonly publicKey: PublicKey;
  /** How it was signed. */
  readonly signatureAlgorithm: SignatureAlgorithm;
  /** The signature itself. */
  readonly signature: Uint8Array;
  /** What else it says. */
  readonly extensions: Extensions;
  /** What is wrong with it although it could be read; empty for one that may be used. */
  readonly faults: readonly CertificateFault[];
  /** What is unusual about it and safe; a strict verdict refuses it. */
  readonly advised: readonly CertificateFault[];
}

/** Far beyond any certificate that is meant to be used. */
const MAX_CERTIFICATE_BYTES = 1024 * 1024;
/** RFC 5280 §4.1.2.2. */
const MAX_SERIAL_BYTES = 20;

/** Reads a certificate from DER, exactly these bytes; a fault where they are no X.509 v3 certificate. */
export function parseCertificate(der: Uint8Array): Certificate | CertificateFault {
  if (der.length > MAX_CERTIFICATE_BYTES) {
    return certificateFault("certificate.size", `it has ${der.length} bytes`);
  }
  try {
    // A copy: what the platform hands out is often a view of a larger buffer that lives on.
    return readCertificate(der.slice());
  } catch (error) {
    if (error instanceof Malformed) {
      return certificateFault(error.rule, escapePeerText(error.message));
    }
    throw error;
  }
}

function readCertificate(der: Uint8Array): Certificate {
  const whole = readDer(der, "the certificate");
  if (whole.tag !== TAG.sequence) throw new Malformed("der.structure", "it is not a sequence");
  const fields = new DerReader(whole.contents);
  const tbs = fields.next(TAG.sequence, "the signed part");
  const algorithm = fields.next(TAG.sequence, "the signature algorithm");
  const signature = asWholeBytes(fields.next(TAG.bitString, "the signature").contents);
  fields.end("the certificate");
  const { serial, ...signed } = readSigned(tbs, algorithm);
  const signatureAlgorithm = readSignatureAlgorithm(algorithm);
  return {
    der,
    fingerprint: createHash("sha256").update(der).digest("hex"),
    tbs: tbs.bytes,
    signatureAlgorithm,
    signature,
    ...signed,
    serial: serialText(serial),
    ...judged([...signed.faults, ...ownFaults(signed)]),
  };
}

/**
 * Rules whose breach is safe: a flag of an extension that is applied all the same, a name that is never matched, another
 * spelling of one value.
 */
const ADVISED: ReadonlySet<string> = new Set([
  "certificate.spelling",
  "constraints.critical",
  "san.critical",
  "san.dns",
  "san.ip",
  "san.email",
  "san.uri",
]);

function judged(faults: readonly CertificateFault[]): Pick<Certificate, "faults" | "advised"> {
  return {
    faults: faults.filter(({ rule }) => !ADVISED.has(rule)),
    advised: faults.filter(({ rule }) => ADVISED.has(rule)),
  };
}

function readSigned(tbs: Element, outerAlgorithm: Element) {
  const fields = new DerReader(tbs.contents);
  readVersion(fields);
  const serial = fields.next(TAG.integer, "the serial number").contents;
  const innerAlgorithm = fields.next(TAG.sequence, "the signature algorithm");
  // RFC 5280 §4.1.1.2: only the inner one is signed.
  if (!sameBytes(innerAlgorithm.bytes, outerAlgorithm.bytes)) {
    throw new Malformed("certificate.algorithms", "its two signature algorithms differ");
  }
  const issuer = readName(fields.next(TAG.sequence, "the issuer"));
  const { notBefore, notAfter, advised } = readValidity(fields.next(TAG.sequence, "the validity"));
  const subject = readName(fields.next(TAG.sequence, "the subject"));
  const publicKey = readPublicKey(fields.next(TAG.sequence, "the public key"));
  const list = fields.optional(contextTag(3, "constructed"));
  // RFC 5280 §4.1.2.8: the unique identifiers, tags 1 and 2, are not to be made.
  fields.end("the signed part");
  const read = readExtensions(list && only(list, TAG.sequence, "the extensions"));
  const { extensions } = read;
  const faults = [...advised, ...read.faults];
  return { serial, issuer, notBefore, notAfter, subject, publicKey, extensions, faults };
}

function readVersion(fields: DerReader): void {
  const version = fields.optional(contextTag(0, "constructed"));
  const number = version === undefined
    ? 0
    : asSmallInteger(only(version, TAG.integer, "the version").contents);
  if (number !== 2) {
    throw new Malformed("certificate.version", `it is X.509 v${number + 1}, not v3`);
  }
}

function only(wrapper: Element, tag: number, what: string): Element {
  const fields = new DerReader(wrapper.contents);
  const element = fields.next(tag, what);
  fields.end(what);
  return element;
}

function readValidity({ contents }: Element) {
  const fields = new DerReader(contents);
  const times = [fields.any(), fields.any()] as const;
  fields.end("the validity");
  const [notBefore, notAfter] = [readTime(times[0]), readTime(times[1])];
  // RFC 5280 §4.1.2.5: through 2049 in two digits. Public roots, and what libraries are told to write, have four.
  const isLong = times.some(({ tag }, at) =>
    tag === TAG.generalizedTime && new Date(at === 0 ? notBefore : notAfter).getUTCFullYear() < 2050
  );
  const advised = isLong
    ? [certificateFault("certificate.spelling", "a date before 2050 has a year of four digits")]
    : [];
  return { notBefore, notAfter, advised };
}

function readTime({ tag, contents }: Element): number {
  if (tag !== TAG.utcTime && tag !== TAG.generalizedTime) {
    throw new Malformed("der.time", "a date is not a time");
  }
  return asTime(tag, contents);
}

function serialText(contents: Uint8Array): string {
  const negative = contents[0]! >= 0x80;
  let value = 0n;
  for (const byte of contents.subarray(0, 1024)) value = value * 256n + BigInt(byte);
  if (negative) value -= 1n << BigInt(8 * Math.min(contents.length, 1024));
  return value.toString(16);
}

type Signed = Omit<ReturnType<typeof readSigned>, "faults" | "serial">;

// What is wrong with it in whatever place of a path; rules of one place only are the path's.
function ownFaults(signed: Signed): readonly CertificateFault[] {
  const { issuer, subject, publicKey, extensions } = signed;
  const faults: CertificateFault[] = [];
  const fault = (rule: string, found: string) => faults.push(certificateFault(rule, found));
  if (issuer.parts.length === 0) fault("certificate.issuer", "its issuer has no name");
  if (signed.notAfter < signed.notBefore) fault("certificate.dates", "it ends before it begins");
  if (publicKey.kind === "unsupported") {
    fault(
      "certificate.key",
      `it carries ${publicKey.algorithm}, which is not supported; use P-256, P-384, P-521, Ed25519 or RSA-2048 to RSA-8192`,
    );
  }
  // RFC 5280 §4.2.1.6: the names must be critical where they are all there is, and only there.
  if (extensions.subjectAlternativeNames !== undefined) {
    if (subject.parts.length === 0 && !extensions.namesAreCritical) {
      fault("san.critical", "its subject is empty and its alternative names are not critical");
    }
    if (subject.parts.length > 0 && extensions.namesAreCritical) {
      fault("san.critical", "its alternative names are critical beside a subject");
    }
  }
  return faults;
}

/**
 * What is wrong with an issued certificate, beyond what is wrong with any: an anchor is
 * taken as it is, so neither its serial number nor the signature on it matters.
 */
export function issuedFault(
  { serial, signatureAlgorithm }: Certificate,
): CertificateFault | undefined {
  if (signatureAlgorithm.keys.length === 0) {
    const found = `${signatureAlgorithm.name} is not supported`;
    return certificateFault("certificate.signature-algorithm", found);
  }
  // RFC 5280 §4.1.2.2.
  if (serial === "0" || serial.startsWith("-")) {
    return certificateFault("certificate.serial", "its serial number is not positive");
  }
  // A positive number whose first bit is set has a zero byte before it, which counts.
  const bytes = Math.ceil(serial.length / 2) +
    (/^[89a-f]/.test(serial) ? 1 - serial.length % 2 : 0);
  return bytes > MAX_SERIAL_BYTES
    ? certificateFault("certificate.serial", `its serial number has ${bytes} bytes`)
    : undefined;
}

/** Whether issuer and subject are the same name. */
export function isSelfIssued({ issuer, subject }: Certificate): boolean {
  return issuer.key === subject.key;
}

/** The SPIFFE ID of a certificate, where it bears one. */
export function spiffeIdOf({ extensions }: Certificate): SpiffeId | undefined {
  for (const name of extensions.subjectAlternativeNames ?? []) {
    if (name.kind === "uri" && name.spiffeId !== undefined) return name.spiffeId;
  }
  return undefined;
}
