import {
  type CertificateFault,
  certificateFault,
  isCertificateFault,
} from "./certificate_fault.ts";
import { contextTag, DerReader, type Element, readSequence } from "../der/der.ts";
import { TAG } from "../der/der_values.ts";
import { type DistinguishedName, formatName, isNameWithin } from "./distinguished_name.ts";
import {
  type GeneralName,
  type OtherNameForm,
  type RawName,
  readGeneralName,
} from "./general_name.ts";
import { isHostName, isWithin } from "../names/host_name.ts";
import { formatAddress, parseAddress } from "../names/ip_address.ts";
import { escapePeerText } from "../../errors/mod.ts";
import { Malformed } from "../der/malformed.ts";
import type { Work } from "./work.ts";
import { isMailbox } from "./subject_names.ts";

/** One subtree of names, RFC 5280 §4.2.1.10. */
export type Subtree =
  | { readonly kind: "dns"; readonly base: string }
  | { readonly kind: "ip"; readonly address: Uint8Array; readonly mask: Uint8Array }
  | { readonly kind: "uri"; readonly host: string }
  | { readonly kind: "email"; readonly base: string }
  | { readonly kind: "directory"; readonly base: DistinguishedName }
  | { readonly kind: "other"; readonly form: OtherNameForm };

/** The names an authority may, and may not, vouch for. */
export interface NameConstraints {
  /** Where a name's form is among these, it must lie in one of them. */
  readonly permitted: readonly Subtree[];
  /** No name may lie in one of these. */
  readonly excluded: readonly Subtree[];
}

/** More subtrees of one list than any authority is known to have. */
const MAX_SUBTREES = 1024;

/** Reads the extension's value: the constraints, and what is wrong with them. */
export function readNameConstraints(
  value: Uint8Array,
  critical: boolean,
): { readonly constraints: NameConstraints; readonly faults: readonly CertificateFault[] } {
  const fields = readSequence(value, "the name constraints");
  const permitted = fields.optional(contextTag(0, "constructed"));
  const excluded = fields.optional(contextTag(1, "constructed"));
  fields.end("the name constraints");
  const faults: CertificateFault[] = [];
  // RFC 5280 §4.2.1.10: always critical, and never an empty sequence, nor an empty list.
  if (!critical) {
    faults.push(certificateFault("constraints.critical", "its name constraints are not critical"));
  }
  if (permitted === undefined && excluded === undefined) {
    faults.push(certificateFault("constraints.empty", "its name constraints constrain nothing"));
  }
  const treesOf = (list: Element | undefined) => {
    const trees = subtrees(list === undefined ? [] : readBases(list));
    if (!isCertificateFault(trees)) return trees;
    faults.push(trees);
    return [];
  };
  return { constraints: { permitted: treesOf(permitted), excluded: treesOf(excluded) }, faults };
}

function readBases({ contents }: Element): readonly RawName[] {
  const bases: RawName[] = [];
  for (const subtree of new DerReader(contents).rest()) {
    if (subtree.tag !== TAG.sequence) {
      throw new Malformed("der.structure", "a subtree is not a sequence");
    }
    const fields = new DerReader(subtree.contents);
    const base = readGeneralName(fields.any());
    // RFC 5280 §4.2.1.10: minimum is 0, hence unwritten, and maximum is absent.
    fields.end("a subtree");
    if (bases.push(base) > MAX_SUBTREES) {
      throw new Malformed("constraints.count", `a list has more than ${MAX_SUBTREES} subtrees`);
    }
  }
  if (bases.length === 0) throw new Malformed("constraints.empty", "a list of subtrees is empty");
  return bases;
}

function subtrees(bases: readonly RawName[]): readonly Subtree[] | CertificateFault {
  const trees: Subtree[] = [];
  for (const base of bases) {
    const tree = subtree(base);
    if (isCertificateFault(tree)) return tree;
    trees.push(tree);
  }
  return trees;
}

function subtree(base: RawName): Subtree | CertificateFault {
  switch (base.kind) {
    case "dns":
      return base.text === "" || isHostName(base.text)
        ? { kind: "dns", base: base.text.toLowerCase() }
        : certificateFault("constraints.dns", `"${escapePeerText(base.text)}" is not a domain`);
    case "ip":
      return addressRange(base.address);
    case "email":
      return isMailbox(base.text) || isDomainOrBelow(base.text)
        ? { kind: "email", base: base.text }
        : certificateFault(
          "constraints.email",
          `"${escapePeerText(base.text)}" is not a mailbox or host`,
        );
    case "uri":
      return isDomainOrBelow(base.text)
        ? { kind: "uri", host: base.text.toLowerCase() }
        : certificateFault(
          "constraints.uri",
          `"${escapePeerText(base.text)}" is not a host or domain`,
        );
    case "directory":
      return { kind: "directory", base: base.name };
    case "other":
      return base;
  }
}

// Of URI and email constraints, not of DNS ones, a leading dot means "below this domain".
function isDomainOrBelow(text: string): boolean {
  return isHostName(text.startsWith(".") ? text.slice(1) : text);
}

function addressRange(bytes: Uint8Array): Subtree | CertificateFault {
  if (bytes.length !== 8 && bytes.length !== 32) {
    return certificateFault("constraints.ip", `an address range has ${bytes.length} bytes`);
  }
  const [address, mask] = [bytes.subarray(0, bytes.length / 2), bytes.subarray(bytes.length / 2)];
  return isMask(mask)
    ? { kind: "ip", address, mask }
    : certificateFault("constraints.ip", "an address range has a mask with gaps");
}

// RFC 4632 §3.1: ones, then zeros.
function isMask(bytes: Uint8Array): boolean {
  let ended = false;
  for (const byte of bytes) {
    if (ended ? byte !== 0 : (~byte & 0xff & ((~byte & 0xff) + 1)) !== 0) return false;
    ended ||= byte !== 0xff;
  }
  return true;
}

const TOO_LONG = "comparing the names with them takes too long";

/** What the constraints have against a name; `undefined` where nothing. */
export function constraintAgainst(
  { permitted, excluded }: NameConstraints,
  name: GeneralName,
  work: Work,
): string | undefined {
  let formSeen = false;
  let within = false;
  for (const tree of permitted) {
    if (!work.allows("comparison")) return TOO_LONG;
    if (!isSameForm(tree, name)) continue;
    if (tree.kind === "other") return `names of the form ${tree.form} cannot be judged`;
    if (name.kind === "unusable") return `${quoted(name)} cannot be judged`;
    formSeen = true;
    within ||= isIn(name, tree, "permitted", work);
  }
  if (formSeen && !within) return `${quoted(name)} is not permitted`;
  for (const tree of excluded) {
    if (!work.allows("comparison")) return TOO_LONG;
    if (!isSameForm(tree, name)) continue;
    if (tree.kind === "other") return `names of the form ${tree.form} cannot be judged`;
    if (name.kind === "unusable") return `${quoted(name)} cannot be judged`;
    if (isIn(name, tree, "excluded", work)) return `${quoted(name)} is excluded`;
  }
  return undefined;
}

function isSameForm(tree: Subtree, name: GeneralName): boolean {
  if (name.kind === "unusable") return tree.kind === name.of;
  return tree.kind === name.kind &&
    (tree.kind !== "other" || name.kind !== "other" || tree.form === name.form);
}

// Where that is unknown, a name is not within what is permitted, and is within what is excluded.
function isIn(
  name: GeneralName,
  tree: Subtree,
  list: "permitted" | "excluded",
  work: Work,
): boolean {
  if (name.kind === "dns" && tree.kind === "dns") return isHostIn(name.name, tree.base, list);
  if (name.kind === "ip" && tree.kind === "ip") return isAddressIn(name.address, tree);
  if (name.kind === "email" && tree.kind === "email") return isMailboxIn(name.mailbox, tree.base);
  if (name.kind === "directory" && tree.kind === "directory") {
    return isNameWithin(name.name, tree.base, work) ?? list === "excluded";
  }
  if (name.kind === "uri" && tree.kind === "uri") {
    const host = hostOfUri(name.uri);
    return host === undefined ? list === "excluded" : isHostBelow(host, tree.host);
  }
  return list === "excluded";
}

// A wildcard is permitted when all it stands for is, and excluded when any of it is.
function isHostIn(name: string, base: string, list: "permitted" | "excluded"): boolean {
  const host = name.toLowerCase();
  if (!host.startsWith("*.")) return isWithin(host, base);
  const parent = host.slice(2);
  if (isWithin(parent, base)) return true;
  const oneBelow = base.slice(base.indexOf(".") + 1);
  return list === "excluded" && base.includes(".") && oneBelow === parent;
}

function isAddressIn(
  address: Uint8Array,
  range: { readonly address: Uint8Array; readonly mask: Uint8Array },
): boolean {
  return address.length === range.address.length &&
    address.every((byte, i) => ((byte ^ range.address[i]!) & range.mask[i]!) === 0);
}

// The local part is compared as it is, the host without regard to case.
function isMailboxIn(mailbox: string, base: string): boolean {
  const at = mailbox.lastIndexOf("@");
  const host = mailbox.slice(at + 1).toLowerCase();
  const baseAt = base.lastIndexOf("@");
  if (baseAt < 0) return isHostBelow(host, base.toLowerCase());
  return mailbox.slice(0, at) === base.slice(0, baseAt) &&
    host === base.slice(baseAt + 1).toLowerCase();
}

function isHostBelow(host: string, base: string): boolean {
  return base.startsWith(".") ? host.endsWith(base) && host !== base : host === base;
}

// RFC 5280 §4.2.1.10: a URI without a host, or with an address for one, is judged by no constraint.
function hostOfUri(uri: string): string | undefined {
  const [, authority] = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(uri) ?? [];
  const host = authority?.replace(/^.*@/, "").replace(/:\d*$/, "").toLowerCase();
  if (host === undefined || parseAddress(host) !== undefined) return undefined;
  // A trust domain may hold an underscore, which a host name may not.
  return /^[a-z0-9._-]+$/.test(host) ? host : undefined;
}

function quoted(name: GeneralName): string {
  switch (name.kind) {
    case "dns":
      return `DNS name "${escapePeerText(name.name)}"`;
    case "ip":
      return `IP address ${formatAddress(name.address)}`;
    case "uri":
      return `URI "${escapePeerText(name.uri)}"`;
    case "email":
      return `mailbox "${escapePeerText(name.mailbox)}"`;
    case "directory":
      return `name "${formatName(name.name)}"`;
    case "other":
      return `a name of the form ${name.form}`;
    case "unusable":
      return `${name.of} name "${escapePeerText(name.text)}"`;
  }
}
