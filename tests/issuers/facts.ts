import {
  type Certificate,
  type GeneralName,
  isCertificateFault,
  parseCertificate,
} from "../../src/identity/mod.ts";

const DAY_MS = 86_400_000;
const PURPOSES: Readonly<Record<string, string>> = {
  "1.3.6.1.5.5.7.3.1": "serverAuth",
  "1.3.6.1.5.5.7.3.2": "clientAuth",
  "1.3.6.1.5.5.7.3.3": "codeSigning",
  "2.5.29.37.0": "any",
};

/** The certificates of a PEM file, in its order, as DER. */
export function derOf(pem: string): Uint8Array[] {
  const blocks = pem.matchAll(/-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----/g);
  return [...blocks].map(([, text]) => Uint8Array.fromBase64(text!));
}

/** What a certificate says of itself that a verifier looks at, in words and without what changes. */
export function factsOf(der: Uint8Array): string {
  const certificate = parseCertificate(der);
  if (isCertificateFault(certificate)) return `${certificate.rule}: ${certificate.found}`;
  const { extensions, subject, publicKey } = certificate;
  const { basicConstraints, keyUsage, extendedKeyUsage, subjectAlternativeNames } = extensions;
  const aki = extensions.authorityKeyIdentifier;
  const parts = [
    publicKey.algorithm,
    lifetimeOf(certificate),
    subject.parts.length === 0 ? "no subject" : "a subject",
    basicConstraints &&
    `${flagged("basic constraints", basicConstraints.critical)} ${
      basicConstraints.ca ? "CA" : "no CA"
    }${basicConstraints.pathLength === undefined ? "" : `, path ${basicConstraints.pathLength}`}`,
    keyUsage && `key usage ${[...keyUsage].join(" ")}`,
    extendedKeyUsage &&
    `${flagged("extended key usage", extendedKeyUsage.critical)} ${
      [...extendedKeyUsage.purposes].map((purpose) => PURPOSES[purpose] ?? purpose).join(" ")
    }`,
    subjectAlternativeNames &&
    `${flagged("names", extensions.namesAreCritical)} ${
      subjectAlternativeNames.map(kindOf).join(" ")
    }`,
    extensions.subjectKeyIdentifier && "subject key identifier",
    aki && `authority key identifier${aki.namesIssuer ? " with issuer and serial" : ""}`,
  ];
  return parts.filter((part) => part !== undefined).join("; ");
}

function flagged(name: string, critical: boolean): string {
  return critical ? `critical ${name}` : name;
}

function lifetimeOf({ notBefore, notAfter }: Certificate): string {
  const days = (notAfter - notBefore) / DAY_MS;
  if (days > 400) return `${Math.round(days / 365)} years`;
  return days < 1.5 ? `${Math.round(days * 24)} hours` : `${Math.round(days)} days`;
}

function kindOf(name: GeneralName): string {
  return name.kind === "uri" && name.spiffeId !== undefined ? "spiffe" : name.kind;
}
