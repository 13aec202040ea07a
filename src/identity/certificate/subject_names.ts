import { hex } from "../der/bytes.ts";
import { type CertificateFault, certificateFault } from "./certificate_fault.ts";
import type { GeneralName, RawName, UnusableName } from "./general_name.ts";
import { isHostName } from "../names/host_name.ts";
import { escapePeerText } from "../../errors/mod.ts";
import { parseSpiffeId } from "../names/spiffe_id.ts";

/** More names than any certificate of a peer needs. */
export const MAX_NAMES = 256;

/** The subject alternative names of a certificate, and what is wrong with some of them. */
export interface SubjectNames {
  readonly names: readonly GeneralName[];
  readonly faults: readonly CertificateFault[];
}

/** Reads names for what they are; one that is misspelt does not spoil the others. */
export function subjectNames(raws: readonly RawName[]): SubjectNames {
  if (raws.length > MAX_NAMES) {
    const found = `it has more than ${MAX_NAMES} names`;
    return { names: [], faults: [certificateFault("san.count", found)] };
  }
  const faults: CertificateFault[] = [];
  const names = raws.map((raw) => {
    const { name, fault } = subjectName(raw);
    if (fault !== undefined) faults.push(fault);
    return name;
  });
  return { names, faults };
}

interface SubjectName {
  readonly name: GeneralName;
  readonly fault?: CertificateFault;
}

function subjectName(raw: RawName): SubjectName {
  switch (raw.kind) {
    case "dns":
      return dnsName(raw.text);
    case "ip":
      return raw.address.length === 4 || raw.address.length === 16
        ? { name: { kind: "ip", address: raw.address } }
        : unusable("ip", hex(raw.address), `an IP address has ${raw.address.length} bytes`);
    case "email":
      return isMailbox(raw.text)
        ? { name: { kind: "email", mailbox: raw.text } }
        : unusable("email", raw.text, `"${escapePeerText(raw.text)}" is not a mailbox`);
    case "uri":
      return uriName(raw.text);
    default:
      return { name: raw };
  }
}

function unusable(of: UnusableName["of"], text: string, found: string): SubjectName {
  return { name: { kind: "unusable", of, text }, fault: certificateFault(`san.${of}`, found) };
}

function dnsName(text: string): SubjectName {
  const host = text.startsWith("*.") ? text.slice(2) : text;
  if (isHostName(host)) return { name: { kind: "dns", name: text } };
  // Used as it is by some fleets; matched to the letter, and no host of RFC 1123 is spelt so.
  if (isHostName(host.replaceAll("_", "x"))) {
    const found = `"${escapePeerText(text)}" has an underscore, which no host name has`;
    return { name: { kind: "dns", name: text }, fault: certificateFault("san.dns", found) };
  }
  return unusable("dns", text, `"${escapePeerText(text)}" is not a DNS name`);
}

function uriName(uri: string): SubjectName {
  if (/^spiffe:/i.test(uri)) {
    const spiffeId = parseSpiffeId(uri);
    return spiffeId === undefined
      ? unusable("uri", uri, `"${escapePeerText(uri)}" is not a SPIFFE ID`)
      : { name: { kind: "uri", uri, spiffeId } };
  }
  // RFC 5280 §4.2.1.6: absolute, with a scheme and something after it; RFC 3986 §2: no spaces.
  return /^[a-z][a-z0-9+.-]*:[\x21-\x7e]+$/i.test(uri) && !/["<>\\^`{|}]/.test(uri)
    ? { name: { kind: "uri", uri, spiffeId: undefined } }
    : unusable("uri", uri, `"${escapePeerText(uri)}" is not an absolute URI`);
}

/** Whether the text is a mailbox in the ASCII form of RFC 5321 §4.1.2, unquoted. */
export function isMailbox(text: string): boolean {
  const [local = "", host = "", ...more] = text.split("@");
  return more.length === 0 && local.length <= 64 && isHostName(host) &&
    /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/.test(local);
}
