import { hex } from "../der/bytes.ts";
import { type CertificateFault, certificateFault } from "./certificate_fault.ts";
import { contextTag, DerReader, type Element, readDer, readSequence } from "../der/der.ts";
import { asBits, asBoolean, asOid, asSmallInteger, TAG } from "../der/der_values.ts";
import { Malformed } from "../der/malformed.ts";
import { type GeneralName, type RawName, readGeneralName } from "./general_name.ts";
import { type NameConstraints, readNameConstraints } from "./name_constraints.ts";
import { MAX_NAMES, subjectNames } from "./subject_names.ts";
import { checkUnreadExtension } from "./unread_extensions.ts";

/** The purposes of RFC 5280 §4.2.1.3, by their bits. */
const KEY_USAGES = [
  "digitalSignature",
  "contentCommitment",
  "keyEncipherment",
  "dataEncipherment",
  "keyAgreement",
  "keyCertSign",
  "cRLSign",
  "encipherOnly",
  "decipherOnly",
] as const;

/** One of them. */
export type KeyUsage = typeof KEY_USAGES[number];

/** What an authority may do, RFC 5280 §4.2.1.9. */
export interface BasicConstraints {
  /** Whether the subject is an authority. */
  readonly ca: boolean;
  /** How many authorities, self-issued ones not counted, may follow it; any number where absent. */
  readonly pathLength: number | undefined;
  /** Whether the extension is marked critical. */
  readonly critical: boolean;
}

/** What a key may be used for, RFC 5280 §4.2.1.12. */
export interface ExtendedKeyUsage {
  /** The purposes, dotted decimal. */
  readonly purposes: ReadonlySet<string>;
  /** Whether the extension is marked critical. */
  readonly critical: boolean;
}

/** Which key signed, RFC 5280 §4.2.1.1. */
export interface AuthorityKeyIdentifier {
  /** The issuer's subject key identifier, hexadecimal. */
  readonly keyIdentifier: string | undefined;
  /** Whether the issuer's own issuer and serial are given, beside it or instead. */
  readonly namesIssuer: boolean;
}

/** The extensions that a verdict reads; what is absent is `undefined`. */
export interface Extensions {
  /** Whether, and how far, it is an authority. */
  readonly basicConstraints: BasicConstraints | undefined;
  /** What its key is for. */
  readonly keyUsage: ReadonlySet<KeyUsage> | undefined;
  /** What its key is for in protocols such as TLS. */
  readonly extendedKeyUsage: ExtendedKeyUsage | undefined;
  /** Every subject alternative name, whatever its kind. */
  readonly subjectAlternativeNames: readonly GeneralName[] | undefined;
  /** Whether the names' extension is marked critical. */
  readonly namesAreCritical: boolean;
  /** The names it may vouch for. */
  readonly nameConstraints: NameConstraints | undefined;
  /** Hexadecimal. */
  readonly subjectKeyIdentifier: string | undefined;
  /** Which key signed it. */
  readonly authorityKeyIdentifier: AuthorityKeyIdentifier | undefined;
}

type Draft = { -readonly [Field in keyof Extensions]: Extensions[Field] };

/** Extensions with what is wrong with them. */
export interface ReadExtensions {
  readonly extensions: Extensions;
  readonly faults: readonly CertificateFault[];
}

const MAX_EXTENSIONS = 64;
/** What the nine bits of a key usage take. */
const MAX_KEY_USAGE_BYTES = 2;
const MAX_PURPOSES = 64;
const MAX_ACCESSES = 64;

/** Reads the extensions of a certificate from their sequence, none where it is absent. */
export function readExtensions(list: Element | undefined): ReadExtensions {
  const extensions: Draft = {
    basicConstraints: undefined,
    keyUsage: undefined,
    extendedKeyUsage: undefined,
    subjectAlternativeNames: undefined,
    namesAreCritical: false,
    nameConstraints: undefined,
    subjectKeyIdentifier: undefined,
    authorityKeyIdentifier: undefined,
  };
  const faults: CertificateFault[] = [];
  const seen = new Set<string>();
  for (const element of list === undefined ? [] : new DerReader(list.contents).rest()) {
    const { id, critical, value, advised } = readExtension(element);
    if (seen.has(id)) throw new Malformed("extension.duplicate", `extension ${id} appears twice`);
    if (seen.add(id).size > MAX_EXTENSIONS) {
      throw new Malformed("extension.count", `it has more than ${MAX_EXTENSIONS} extensions`);
    }
    faults.push(...advised);
    const reader = READERS.get(id);
    if (reader !== undefined) {
      faults.push(...reader(value, critical, extensions));
      continue;
    }
    checkUnreadExtension(id, value);
    if (critical) {
      faults.push(certificateFault("extension.unknown-critical", `it insists on extension ${id}`));
    }
  }
  if (list !== undefined && seen.size === 0) {
    throw new Malformed("der.structure", "the list of extensions is empty");
  }
  return { extensions, faults };
}

function readExtension({ tag, contents }: Element) {
  if (tag !== TAG.sequence) throw new Malformed("der.structure", "an extension is not a sequence");
  const fields = new DerReader(contents);
  const id = asOid(fields.next(TAG.oid, "an extension's name").contents);
  const flag = fields.optional(TAG.boolean);
  const critical = flag !== undefined && asBoolean(flag.contents);
  // X.690 §11.5: a default value is not written.
  const advised = flag !== undefined && !critical
    ? [
      certificateFault(
        "certificate.spelling",
        `extension ${id} spells out that it is not critical`,
      ),
    ]
    : [];
  const value = fields.next(TAG.octetString, "an extension's value").contents;
  fields.end("an extension");
  return { id, critical, value, advised };
}

type ExtensionReader = (
  value: Uint8Array,
  critical: boolean,
  into: Draft,
) => readonly CertificateFault[];

const READERS: ReadonlyMap<string, ExtensionReader> = new Map<string, ExtensionReader>([
  ["2.5.29.14", readSubjectKeyIdentifier],
  ["2.5.29.15", readKeyUsage],
  ["2.5.29.17", readSubjectAlternativeNames],
  ["2.5.29.19", readBasicConstraints],
  ["2.5.29.30", readConstraints],
  ["2.5.29.32", readWellFormed],
  ["2.5.29.33", readWellFormed],
  ["2.5.29.35", readAuthorityKeyIdentifier],
  ["2.5.29.36", readPolicyConstraints],
  ["2.5.29.37", readExtendedKeyUsage],
  ["2.5.29.54", readWellFormed],
  ["1.3.6.1.5.5.7.1.1", readAuthorityInformation],
]);

// Policies, their mappings and inhibitAnyPolicy: without a demand for policies they decide nothing.
function readWellFormed(value: Uint8Array): readonly CertificateFault[] {
  readDer(value, "an extension");
  return [];
}

function readSubjectKeyIdentifier(value: Uint8Array, critical: boolean, into: Draft) {
  const { tag, contents } = readDer(value, "the subject key identifier");
  if (tag !== TAG.octetString || contents.length === 0) {
    throw new Malformed(
      "extension.key-identifier",
      "the subject key identifier is not a byte string",
    );
  }
  into.subjectKeyIdentifier = hex(contents);
  return mustNotBeCritical(critical, "the subject key identifier");
}

function readAuthorityKeyIdentifier(value: Uint8Array, critical: boolean, into: Draft) {
  const fields = readSequence(value, "the authority key identifier");
  const key = fields.optional(contextTag(0, "primitive"));
  const issuer = fields.optional(contextTag(1, "constructed"));
  const serial = fields.optional(contextTag(2, "primitive"));
  fields.end("the authority key identifier");
  if ((issuer === undefined) !== (serial === undefined)) {
    throw new Malformed("extension.key-identifier", "an issuer is named without its serial");
  }
  for (const name of issuer === undefined ? [] : new DerReader(issuer.contents).rest()) {
    readGeneralName(name);
  }
  into.authorityKeyIdentifier = {
    keyIdentifier: key === undefined ? undefined : hex(key.contents),
    namesIssuer: issuer !== undefined,
  };
  return mustNotBeCritical(critical, "the authority key identifier");
}

// RFC 5280 §4.2.1.1 and §4.2.1.2.
function mustNotBeCritical(critical: boolean, what: string): readonly CertificateFault[] {
  return critical ? [certificateFault("extension.key-identifier", `${what} is critical`)] : [];
}

function readKeyUsage(value: Uint8Array, _critical: boolean, into: Draft) {
  const { tag, contents } = readDer(value, "the key usage");
  if (tag !== TAG.bitString) throw new Malformed("extension.key-usage", "it is not a bit string");
  const { bytes, unused } = asBits(contents);
  const bits = bytes.length * 8 - unused;
  const isSet = (bit: number) => ((bytes[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0;
  let used = bits;
  while (used > 0 && !isSet(used - 1)) used -= 1;
  if (used > KEY_USAGES.length || bytes.length > MAX_KEY_USAGE_BYTES) {
    throw new Malformed("extension.key-usage", "the key usage has unknown bits");
  }
  into.keyUsage = new Set(KEY_USAGES.filter((_, bit) => isSet(bit)));
  // X.690 §11.2.2: trailing zeros of named bits are not written. PKI.js and some public roots have them.
  return used < bits
    ? [certificateFault("certificate.spelling", "the key usage ends in zeros")]
    : [];
}

function readExtendedKeyUsage(value: Uint8Array, critical: boolean, into: Draft) {
  const purposes = new Set<string>();
  let count = 0;
  for (const { tag, contents } of readSequence(value, "the extended key usage").rest()) {
    if (tag !== TAG.oid) throw new Malformed("extension.purposes", "a purpose is not an OID");
    if (++count > MAX_PURPOSES) {
      throw new Malformed("extension.purposes", `it lists more than ${MAX_PURPOSES} purposes`);
    }
    purposes.add(asOid(contents));
  }
  if (purposes.size === 0) throw new Malformed("extension.purposes", "it lists no purpose");
  into.extendedKeyUsage = { purposes, critical };
  return [];
}

function readBasicConstraints(value: Uint8Array, critical: boolean, into: Draft) {
  const fields = readSequence(value, "the basic constraints");
  const flag = fields.optional(TAG.boolean);
  const ca = flag !== undefined && asBoolean(flag.contents);
  const length = fields.optional(TAG.integer);
  fields.end("the basic constraints");
  const pathLength = length === undefined ? undefined : asSmallInteger(length.contents);
  into.basicConstraints = { ca, pathLength, critical };
  if (pathLength !== undefined && !ca) {
    return [
      certificateFault("extension.basic-constraints", "a path length without being an authority"),
    ];
  }
  // X.690 §11.5, as above. rcgen spelt it out before 0.14.10, where it is asked for ExplicitNoCa.
  return flag !== undefined && !ca
    ? [certificateFault("certificate.spelling", "CA:FALSE is spelt out")]
    : [];
}

function readSubjectAlternativeNames(value: Uint8Array, critical: boolean, into: Draft) {
  const names: RawName[] = [];
  for (const element of readSequence(value, "the subject alternative names").rest()) {
    // The first beyond the limit is enough to refuse.
    if (names.push(readGeneralName(element)) > MAX_NAMES) break;
  }
  if (names.length === 0) throw new Malformed("san.count", "the list of names is empty");
  const subjects = subjectNames(names);
  into.namesAreCritical = critical;
  into.subjectAlternativeNames = subjects.names;
  return subjects.faults;
}

function readConstraints(value: Uint8Array, critical: boolean, into: Draft) {
  const { constraints, faults } = readNameConstraints(value, critical);
  into.nameConstraints = constraints;
  return faults;
}

// RFC 5280 §4.2.1.11: always critical. We hold no policies, so a demand for one refuses.
function readPolicyConstraints(value: Uint8Array, critical: boolean): readonly CertificateFault[] {
  const fields = readSequence(value, "the policy constraints");
  const demand = fields.optional(contextTag(0, "primitive"));
  fields.optional(contextTag(1, "primitive"));
  fields.end("the policy constraints");
  const fault = (found: string) => [certificateFault("extension.policy-constraints", found)];
  if (!critical) return fault("its policy constraints are not critical");
  return demand === undefined ? [] : fault("it demands certificate policies");
}

// RFC 5280 §4.2.2.1. Nothing is fetched from it; it must be well formed and not critical.
function readAuthorityInformation(value: Uint8Array, critical: boolean) {
  let count = 0;
  for (const { tag, contents } of readSequence(value, "the authority information").rest()) {
    if (++count > MAX_ACCESSES) {
      const found = `it describes more than ${MAX_ACCESSES} accesses`;
      throw new Malformed("extension.authority-information", found);
    }
    if (tag !== TAG.sequence) throw new Malformed("der.structure", "an access is not a sequence");
    const fields = new DerReader(contents);
    asOid(fields.next(TAG.oid, "an access method").contents);
    readGeneralName(fields.any());
    fields.end("an access description");
  }
  if (count === 0) {
    throw new Malformed("extension.authority-information", "it describes no access");
  }
  return critical
    ? [certificateFault("extension.authority-information", "the authority information is critical")]
    : [];
}
