import type { Certificate } from "./certificate/certificate.ts";
import { ruleText } from "./rule_text.ts";
import { valuesOf } from "./certificate/distinguished_name.ts";

/** The issuers whose settings are named where a certificate's own issuer is known, or is not. */
type Issuer =
  | "openssl"
  | "cert-manager"
  | "step"
  | "vault"
  | "linkerd"
  | "minica"
  | "dapr"
  | "cfssl"
  | "selvage";

/** Per rule, the setting of an issuer that keeps it. */
const SETTINGS: Readonly<Record<string, Partial<Record<Issuer, string>>>> = {
  "leaf.key-usage": {
    openssl: "keyUsage = critical, digitalSignature in the -extfile",
    "cert-manager": "usages: [digital signature, key encipherment, server auth, client auth]",
    step: 'a template with "keyUsage": ["digitalSignature"]',
    vault: 'key_usage="DigitalSignature" of the role',
  },
  "leaf.purpose": {
    openssl: "extendedKeyUsage = serverAuth, clientAuth in the -extfile",
    "cert-manager": "usages: [digital signature, key encipherment, server auth, client auth]",
    step: 'a template with "extKeyUsage": ["serverAuth", "clientAuth"]',
    vault: "server_flag=true client_flag=true of the role",
    cfssl: 'usages: ["digital signature", "server auth", "client auth"] of the profile',
  },
  "leaf.both-roles": {
    openssl: "extendedKeyUsage = serverAuth for workers, clientAuth for callers, in the -extfile",
    "cert-manager": "usages with server auth for workers, client auth for callers",
  },
  "leaf.key-identifier": {
    openssl: "authorityKeyIdentifier = keyid in the -extfile",
  },
  "leaf.authority": {
    openssl:
      '-addext "basicConstraints = critical, CA:FALSE" (req -x509 makes an authority by default)',
    "cert-manager": "isCA: false",
  },
  "leaf.lifetime": {
    openssl: "-days",
    "cert-manager": "duration",
    step: "--not-after",
    vault: "max_ttl of the role",
  },
  "leaf.not-before": {
    openssl: "-not_before",
    step: "--not-before=-1m",
    vault: "not_before_duration of the role",
  },
  "anchor.domain": {
    selvage: '--ca TRUST-DOMAIN=FILE, or ca: { "TRUST-DOMAIN": FILE }',
  },
  "authority.key-usage": {
    openssl: "keyUsage = critical, keyCertSign, cRLSign in the authority's -extfile",
    "cert-manager": "isCA: true, which sets cert sign",
  },
  "authority.key-identifier": {
    openssl:
      "subjectKeyIdentifier = hash and authorityKeyIdentifier = keyid in the authority's -extfile",
  },
  "authority.basic-constraints": {
    openssl: "basicConstraints = critical, CA:TRUE in the authority's -extfile",
  },
  "authority.not-one": {
    openssl: "basicConstraints = critical, CA:TRUE in the authority's -extfile",
    "cert-manager": "isCA: true",
  },
  "authority.purpose": {
    openssl: "no extendedKeyUsage in the root's -extfile",
    minica: "nothing to set: minica writes it into every root",
    linkerd:
      "nothing to set: `linkerd install` writes it; `step certificate create --profile root-ca` does not",
  },
  "subject.common-name": {
    openssl: "the same name in subjectAltName, or a subject without CN",
    "cert-manager": "commonName among dnsNames, or no commonName",
  },
  "san.critical": {
    openssl: "subjectAltName without critical, or with it where the subject is empty",
    "cert-manager": "a commonName or subject, or none: it sets the flag by that",
  },
  "constraints.critical": {
    openssl: "nameConstraints = critical, … in the authority's -extfile",
    "cert-manager": "nameConstraints: { critical: true }",
  },
};

/** The settings of the issuer of a certificate where that is known, else of the common ones. */
export function issuerSetting(rule: string, certificate: Certificate): string {
  const settings = SETTINGS[rule] ?? {};
  const issuer = issuerOf(certificate);
  const known = issuer === undefined ? undefined : settings[issuer];
  if (issuer !== undefined && known !== undefined) return `${issuer}: ${known}`;
  // Each table begins with the two that most people meet.
  const all = Object.entries(settings).slice(0, 2).map(([name, setting]) => `${name}: ${setting}`);
  return all.length === 0
    ? "the profile or template that the certificate is issued by"
    : all.join("; ");
}

const ATTRIBUTES = { commonName: "2.5.4.3", organization: "2.5.4.10" };

/** By what an issuer writes into every certificate; many write nothing of the kind. */
function issuerOf({ issuer, subject }: Certificate): Issuer | undefined {
  const names = [issuer, subject].flatMap((name) => [
    ...valuesOf(name, ATTRIBUTES.commonName),
    ...valuesOf(name, ATTRIBUTES.organization),
  ]);
  const begins = (...beginnings: string[]) =>
    names.some((name) => beginnings.some((one) => name.startsWith(one)));
  if (begins("minica root ca")) return "minica";
  if (begins("cert-manager")) return "cert-manager";
  if (names.some((name) => name.endsWith("identity.linkerd.cluster.local"))) return "linkerd";
  if (names.some((name) => name.endsWith("linkerd.cluster.local"))) return "linkerd";
  if (begins("dapr.io", "dapr")) return "dapr";
  if (begins("Smallstep")) return "step";
  return undefined;
}

/** What to do about a certificate that a rule refuses: what its source asks, and where the issuer sets it. */
export function unsuitableAdvice(rule: string, certificate: Certificate | undefined): string {
  const { asks } = ruleText(rule);
  return certificate === undefined || SETTINGS[rule] === undefined
    ? asks
    : `${asks}; ${issuerSetting(rule, certificate)}`;
}
