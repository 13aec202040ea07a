import { hex } from "../der/bytes.ts";
import { DerReader, type Element } from "../der/der.ts";
import { asOid, asText, latin1, TAG } from "../der/der_values.ts";
import { Malformed } from "../der/malformed.ts";
import { escapePeerText } from "../../errors/mod.ts";
import type { Work } from "./work.ts";

/** One attribute of a distinguished name. */
export interface NameAttribute {
  /** The attribute type, dotted decimal. */
  readonly type: string;
  /** The decoded text; `undefined` where the value is not a string. */
  readonly value: string | undefined;
  /** The value's DER. */
  readonly der: Uint8Array;
}

/** A distinguished name: its DER, by which names are compared, and its attributes. */
export interface DistinguishedName {
  /** The exact bytes; issuer and subject are the same name where these are the same. */
  readonly der: Uint8Array;
  /** The relative names in order, each a set of attributes. */
  readonly parts: readonly (readonly NameAttribute[])[];
  /** The exact bytes as a string, one byte a character, to compare and to look up by. */
  readonly key: string;
}

/** The attribute types that are read here. */
export const ATTRIBUTE = { commonName: "2.5.4.3", emailAddress: "1.2.840.113549.1.9.1" } as const;

/** Attributes of a name; some ten are the most that issuers write. */
const MAX_ATTRIBUTES = 64;
/** Attributes of one relative name; two are unusual. */
const MAX_ATTRIBUTES_A_PART = 8;
/** Bytes of an attribute's value; X.520 ends most at 64 characters, and all of these in certificates at 1,024. */
const MAX_VALUE_BYTES = 1024;

const SHORT_NAMES: Readonly<Record<string, string>> = {
  "2.5.4.3": "CN",
  "2.5.4.5": "serialNumber",
  "2.5.4.6": "C",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
  "2.5.4.9": "STREET",
  "2.5.4.10": "O",
  "2.5.4.11": "OU",
  "2.5.4.45": "x500UniqueIdentifier",
  "0.9.2342.19200300.100.1.1": "UID",
  "0.9.2342.19200300.100.1.25": "DC",
  "1.2.840.113549.1.9.1": "emailAddress",
};

const STRING_TAGS: ReadonlySet<number> = new Set([
  TAG.utf8String,
  TAG.printableString,
  TAG.teletexString,
  TAG.ia5String,
  TAG.universalString,
  TAG.bmpString,
  TAG.numericString,
  TAG.visibleString,
]);

/** Reads a Name (RFC 5280 §4.1.2.4) from its element. */
export function readName({ bytes, contents }: Element): DistinguishedName {
  const parts: NameAttribute[][] = [];
  let attributes = 0;
  const names = new DerReader(contents);
  while (!names.done) {
    const part: NameAttribute[] = [];
    for (const attribute of new DerReader(names.next(TAG.set, "a relative name").contents).rest()) {
      if (++attributes > MAX_ATTRIBUTES) {
        throw new Malformed("name.attributes", `a name has more than ${MAX_ATTRIBUTES} attributes`);
      }
      part.push(readAttribute(attribute));
      if (part.length > MAX_ATTRIBUTES_A_PART) {
        const found = `a relative name has more than ${MAX_ATTRIBUTES_A_PART} attributes`;
        throw new Malformed("name.attributes", found);
      }
    }
    if (part.length === 0) throw new Malformed("name.attributes", "a relative name is empty");
    parts.push(part);
  }
  return new ReadName(bytes, parts);
}

class ReadName implements DistinguishedName {
  readonly der: Uint8Array;
  readonly parts: readonly (readonly NameAttribute[])[];
  #key: string | undefined;

  constructor(der: Uint8Array, parts: readonly (readonly NameAttribute[])[]) {
    this.der = der;
    this.parts = parts;
  }

  // Made when asked for: a certificate may hold hundreds of names, of which two are looked up by.
  get key(): string {
    return this.#key ??= latin1(this.der);
  }
}

function readAttribute({ tag, contents }: Element): NameAttribute {
  if (tag !== TAG.sequence) {
    throw new Malformed("name.attributes", "an attribute is not a sequence");
  }
  const fields = new DerReader(contents);
  const type = asOid(fields.next(TAG.oid, "an attribute's type").contents);
  const value = fields.any();
  fields.end("an attribute");
  if (value.contents.length > MAX_VALUE_BYTES) {
    throw new Malformed("name.value", `an attribute has more than ${MAX_VALUE_BYTES} bytes`);
  }
  return {
    type,
    value: STRING_TAGS.has(value.tag) ? asText(value.tag, value.contents) : undefined,
    der: value.bytes,
  };
}

/** The texts of all attributes of a type, in order. */
export function valuesOf(name: DistinguishedName, type: string): readonly string[] {
  return name.parts.flat().flatMap((attribute) =>
    attribute.type === type && attribute.value !== undefined ? [attribute.value] : []
  );
}

/** Writes a name as RFC 4514 does, fit for a log line: escaped, and capped at 256 characters. */
export function formatName(name: DistinguishedName): string {
  let text = "";
  for (let i = name.parts.length - 1; i >= 0 && text.length <= SHOWN_CHARACTERS; i--) {
    text += (text === "" ? "" : ",") + name.parts[i]!.map(formatAttribute).join("+");
  }
  return escapePeerText(text);
}

/** What follows is cut off. */
const SHOWN_CHARACTERS = 256;

function formatAttribute({ type, value }: NameAttribute): string {
  // RFC 4514 §2.4: the characters that would read as syntax.
  const text = value?.replace(/[\\",+;<>=]|^[ #]| $/g, "\\$&") ?? "#…";
  return `${SHORT_NAMES[type] ?? type}=${text}`;
}

/**
 * Whether a name lies at or below another (RFC 5280 §7.1): each relative name of `base`, in
 * order, has the same attributes. `undefined` where telling takes more work than is allowed.
 *
 * Text is compared without regard to case, to white space and to the string type it is written in.
 */
export function isNameWithin(
  name: DistinguishedName,
  base: DistinguishedName,
  work: Work,
): boolean | undefined {
  if (base.parts.length > name.parts.length) return false;
  for (const [i, part] of base.parts.entries()) {
    const mine = comparable(name.parts[i]!, work);
    const theirs = comparable(part, work);
    if (mine === undefined || theirs === undefined) return undefined;
    if (mine !== theirs) return false;
  }
  return true;
}

const comparables = new WeakMap<readonly NameAttribute[], string>();

/** A relative name as a text that is the same for the same multiset of attributes; made once. */
function comparable(part: readonly NameAttribute[], work: Work): string | undefined {
  const known = comparables.get(part);
  if (known !== undefined) return known;
  const bytes = part.reduce((sum, { der }) => sum + der.length, 0);
  if (!work.allows("attribute", part.length) || !work.allows("foldedByte", bytes)) return undefined;
  const text = JSON.stringify(part.map(comparableAttribute).sort());
  comparables.set(part, text);
  return text;
}

function comparableAttribute({ type, value, der }: NameAttribute): string {
  return value === undefined ? `${type}#${hex(der)}` : `${type}=${folded(value)}`;
}

function folded(text: string): string {
  return text.normalize("NFKC").toLowerCase().trim().replace(/\s+/g, " ");
}
