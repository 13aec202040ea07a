import {
  type CertificateFault,
  certificateFault,
  isCertificateFault,
} from "./certificate_fault.ts";
import type { GeneralName, RawName } from "./general_name.ts";
import { isHostName } from "../names/host_name.ts";
import { escapePeerText } from "../../errors/mod.ts";
import { parseSpiffeId } from "../names/spiffe_id.ts";

/** More names than any certificate of a peer needs. */
const MAX_NAMES = 256;

/**
 * The subject alternative names of a certificate, or what is wrong with one of them: a certificate
 * with one bad name is not used under its good ones.
 */
export function subjectNames(
  names: readonly RawName[],
): readonly GeneralName[] | CertificateFault {
  if (names.length > MAX_NAMES) {
    return certificateFault("san.count", `it has ${names.length} names, more than ${MAX_NAMES}`);
  }
  const subjects: GeneralName[] = [];
  for (const raw of names) {
    const subject = subjectName(raw);
    if (isCertificateFault(subject)) return subject;
    subjects.push(subject);
  }
  const uris = subjects.filter(({ kind }) => kind === "uri").length;
  // X509-SVID §2: one SPIFFE ID a certificate, and no other URI beside it.
  if (uris > 1 && subjects.some((one) => one.kind === "uri" && one.spiffeId !== undefined)) {
    return certificateFault("san.several-uris", `it has a SPIFFE ID among ${uris} URI names`);
  }
  return subjects;
}

function subjectName(raw: RawName): GeneralName | CertificateFault {
  switch (raw.kind) {
    case "dns":
      return isPresentedHost(raw.text)
        ? { kind: "dns", name: raw.text }
        : certificateFault("san.dns", `"${escapePeerText(raw.text)}" is no DNS name`);
    case "ip":
      return raw.address.length === 4 || raw.address.length === 16
        ? { kind: "ip", address: raw.address }
        : certificateFault("san.ip", `an IP address has ${raw.address.length} bytes`);
    case "email":
      return isMailbox(raw.text)
        ? { kind: "email", mailbox: raw.text }
        : certificateFault("san.email", `"${escapePeerText(raw.text)}" is no mailbox`);
    case "uri":
      return uriName(raw.text);
    default:
      return raw;
  }
}

function uriName(uri: string): GeneralName | CertificateFault {
  if (/^spiffe:/i.test(uri)) {
    const spiffeId = parseSpiffeId(uri);
    return spiffeId === undefined
      ? certificateFault("san.spiffe-id", `"${escapePeerText(uri)}" is no SPIFFE ID`)
      : { kind: "uri", uri, spiffeId };
  }
  // RFC 5280 §4.2.1.6: absolute, with a scheme and something after it; RFC 3986 §2: no spaces.
  return /^[a-z][a-z0-9+.-]*:[\x21-\x7e]+$/i.test(uri) && !/["<>\\^`{|}]/.test(uri)
    ? { kind: "uri", uri, spiffeId: undefined }
    : certificateFault("san.uri", `"${escapePeerText(uri)}" is no absolute URI`);
}

// RFC 9525 §6.3: a wildcard is a whole label, the left-most, and has something to its right.
function isPresentedHost(name: string): boolean {
  return isHostName(name.startsWith("*.") ? name.slice(2) : name);
}

/** Tells whether the text is a mailbox in the ASCII form of RFC 5321 §4.1.2, unquoted. */
export function isMailbox(text: string): boolean {
  const [local = "", host = "", ...more] = text.split("@");
  return more.length === 0 && local.length <= 64 && isHostName(host) &&
    /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/.test(local);
}
