import { type CertificateSummary, escapePeerText } from "../../errors/mod.ts";
import type { Certificate } from "./certificate.ts";
import { formatName } from "./distinguished_name.ts";
import type { GeneralName } from "./general_name.ts";
import { formatAddress } from "../names/ip_address.ts";

/** More names than a person reads. */
const MAX_NAMES = 32;

const summaries = new WeakMap<Certificate, CertificateSummary>();

/** What a person may know of a certificate; peer-made text is escaped and capped. */
export function summarize(certificate: Certificate): CertificateSummary {
  const known = summaries.get(certificate) ?? summaryOf(certificate);
  summaries.set(certificate, known);
  return known;
}

function summaryOf(certificate: Certificate): CertificateSummary {
  return {
    subject: formatName(certificate.subject),
    issuer: formatName(certificate.issuer),
    serial: escapePeerText(certificate.serial),
    fingerprint: certificate.fingerprint,
    names: presentedNames(certificate),
    notBefore: new Date(certificate.notBefore).toISOString(),
    notAfter: new Date(certificate.notAfter).toISOString(),
  };
}

/** The subject alternative names fit for a log line. */
export function presentedNames({ extensions }: Certificate): readonly string[] {
  const names = extensions.subjectAlternativeNames ?? [];
  const shown = names.slice(0, MAX_NAMES).map((name) => escapePeerText(formatGeneralName(name)));
  return names.length > shown.length ? [...shown, `… ${names.length - shown.length} more`] : shown;
}

/** A name as patterns write it: `dns:a.b`, `spiffe://…`, `uri:…`, `ip:…`, `email:…`. */
export function formatGeneralName(name: GeneralName): string {
  switch (name.kind) {
    case "dns":
      return `dns:${name.name.toLowerCase()}`;
    case "ip":
      return `ip:${formatAddress(name.address)}`;
    case "uri":
      return name.spiffeId?.text ?? `uri:${name.uri}`;
    case "email":
      return `email:${name.mailbox}`;
    case "directory":
      return `directory:${formatName(name.name)}`;
    case "other":
      return name.form;
    case "unusable":
      return `${name.of}:${name.text}`;
  }
}
