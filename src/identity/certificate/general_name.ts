import { contextTag, DerReader, type Element } from "../der/der.ts";
import { asOid, latin1, TAG } from "../der/der_values.ts";
import { Malformed } from "../der/malformed.ts";
import { type DistinguishedName, readName } from "./distinguished_name.ts";
import type { SpiffeId } from "../names/spiffe_id.ts";

/** One subject alternative name, parsed from DER. */
export type GeneralName =
  | { readonly kind: "dns"; readonly name: string }
  | { readonly kind: "ip"; readonly address: Uint8Array }
  | { readonly kind: "uri"; readonly uri: string; readonly spiffeId: SpiffeId | undefined }
  | { readonly kind: "email"; readonly mailbox: string }
  | { readonly kind: "directory"; readonly name: DistinguishedName }
  | { readonly kind: "other"; readonly form: OtherNameForm }
  | UnusableName;

/** A name that is not spelt as its kind demands: it never matches, and no constraint of its kind can judge it. */
export interface UnusableName {
  readonly kind: "unusable";
  /** What it claims to be. */
  readonly of: "dns" | "ip" | "uri" | "email";
  /** As it is written; an address in hexadecimal. */
  readonly text: string;
}

/** The name forms that no rule here can judge. */
export type OtherNameForm = "otherName" | "x400Address" | "ediPartyName" | "registeredID";

/** A GeneralName (RFC 5280 §4.2.1.6) before its text is checked to be a name of its kind. */
export type RawName =
  | { readonly kind: "dns" | "uri" | "email"; readonly text: string }
  | { readonly kind: "ip"; readonly address: Uint8Array }
  | { readonly kind: "directory"; readonly name: DistinguishedName }
  | { readonly kind: "other"; readonly form: OtherNameForm };

/** Whether the name was to be a SPIFFE ID and is not spelt as one. */
export function isMisspeltSpiffeId(name: GeneralName): name is UnusableName {
  return name.kind === "unusable" && /^spiffe:/i.test(name.text);
}

/** Reads one GeneralName from its element. */
export function readGeneralName({ tag, contents }: Element): RawName {
  switch (tag) {
    case contextTag(0, "constructed"):
      return { kind: "other", form: readOtherName(contents) };
    case contextTag(1, "primitive"):
      return { kind: "email", text: ia5(contents) };
    case contextTag(2, "primitive"):
      return { kind: "dns", text: ia5(contents) };
    case contextTag(3, "constructed"):
      return { kind: "other", form: "x400Address" };
    case contextTag(4, "constructed"):
      return { kind: "directory", name: readDirectoryName(contents) };
    case contextTag(5, "constructed"):
      return { kind: "other", form: "ediPartyName" };
    case contextTag(6, "primitive"):
      return { kind: "uri", text: ia5(contents) };
    case contextTag(7, "primitive"):
      return { kind: "ip", address: contents };
    case contextTag(8, "primitive"):
      asOid(contents);
      return { kind: "other", form: "registeredID" };
    default:
      throw new Malformed("der.structure", `a name of the unknown form 0x${tag.toString(16)}`);
  }
}

function readOtherName(contents: Uint8Array): "otherName" {
  const fields = new DerReader(contents);
  asOid(fields.next(TAG.oid, "another name's type").contents);
  fields.next(contextTag(0, "constructed"), "another name's value");
  fields.end("another name");
  return "otherName";
}

function readDirectoryName(contents: Uint8Array): DistinguishedName {
  // A Name is a CHOICE, so its implicit tag is explicit (X.680 §31.2.7).
  const fields = new DerReader(contents);
  const name = readName(fields.next(TAG.sequence, "a directory name"));
  fields.end("a directory name");
  return name;
}

function ia5(contents: Uint8Array): string {
  const text = latin1(contents);
  // deno-lint-ignore no-control-regex -- IA5String is ASCII; what a name may hold is asked later.
  if (!/^[\x00-\x7f]*$/.test(text)) throw new Malformed("der.string", "a name is not ASCII");
  return text;
}
