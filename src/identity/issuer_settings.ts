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
  | "easy-rsa"
  | "mkcert"
  | "trustme"
  | "rcgen"
  | "istio"
  | "PKI.js"
  | "selvage";

/** Per rule, the setting of an issuer that keeps it. */
const SETTINGS: Readonly<Record<string, Partial<Record<Issuer, string>>>> = {
  "leaf.key-usage": {
    openssl: "keyUsage = critical, digitalSignature in the -extfile",
    "cert-manager": "usages: [digital signature, key encipherment, server auth, client auth]",
    step: 'a template with "keyUsage": ["digitalSignature"]',
    vault: 'key_usage="DigitalSignature" of the role',
    rcgen: "params.key_usages = vec![KeyUsagePurpose::DigitalSignature]",
  },
  "leaf.purpose": {
    openssl: "extendedKeyUsage = serverAuth, clientAuth in the -extfile",
    "cert-manager": "usages: [digital signature, key encipherment, server auth, client auth]",
    step: 'a template with "extKeyUsage": ["serverAuth", "clientAuth"]',
    vault: "server_flag=true client_flag=true of the role",
    cfssl: 'usages: ["digital signature", "server auth", "client auth"] of the profile',
    "easy-rsa": "build-serverClient-full in place of build-server-full or build-client-full",
    rcgen: "params.extended_key_usages = vec![ServerAuth, ClientAuth]",
  },
  "leaf.both-roles": {
    openssl: "extendedKeyUsage = serverAuth for workers, clientAuth for callers, in the -extfile",
    "cert-manager": "usages with server auth for workers, client auth for callers",
    "easy-rsa": "build-server-full for workers, build-client-full for callers",
  },
  "leaf.key-identifier": {
    openssl: "authorityKeyIdentifier = keyid in the -extfile",
    rcgen: "params.use_authority_key_identifier_extension = true",
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
    "easy-rsa": "--days (EASYRSA_CERT_EXPIRE)",
    mkcert: "nothing to set: mkcert gives two years and three months",
    minica: "nothing to set: minica gives two years and 30 days",
    trustme: "not_after of issue_cert()",
    rcgen: "params.not_after",
  },
  "leaf.not-before": {
    openssl: "-not_before",
    step: "--not-before=-1m",
    vault: "not_before_duration of the role",
  },
  "anchor.domain": {
    selvage: '--ca TRUST-DOMAIN=FILE, or ca: { "TRUST-DOMAIN": FILE }',
  },
  "leaf.critical-purpose": {
    openssl: "extendedKeyUsage without critical in the -extfile",
    trustme: "nothing to set: trustme always writes it so",
  },
  "authority.key-usage": {
    openssl: "keyUsage = critical, keyCertSign, cRLSign in the authority's -extfile",
    "cert-manager": "isCA: true, which sets cert sign",
  },
  "authority.key-identifier": {
    openssl:
      "subjectKeyIdentifier = hash and authorityKeyIdentifier = keyid in the authority's -extfile",
    "easy-rsa": "authorityKeyIdentifier = keyid in x509-types/ca",
    dapr: "nothing to set: Sentry leaves it out of what it makes; give it an issuer of your own",
  },
  "authority.basic-constraints": {
    openssl: "basicConstraints = critical, CA:TRUE in the authority's -extfile",
    "easy-rsa": "basicConstraints = critical, CA:TRUE in x509-types/ca",
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
  "certificate.spelling": {
    rcgen: "0.14.10 or newer, or params.is_ca = IsCa::NoCa",
    "PKI.js":
      "new BitString({ valueHex, unusedBits }) with as many unused bits as there are zeros, and dates of type 0",
  },
  "san.critical": {
    openssl: "subjectAltName without critical, or with it where the subject is empty",
    "cert-manager": "a commonName or subject, or none: it sets the flag by that",
    trustme: "nothing to set: trustme always writes it so",
    istio:
      "nothing to set: istiod always writes it so; certificates without a common name are as they should be",
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

/** What a common name or an organization of issuer or subject is of, by what only that issuer writes. */
const SIGNS: readonly (readonly [RegExp, Issuer])[] = [
  [/^minica root ca/, "minica"],
  [/^cert-manager/, "cert-manager"],
  [/linkerd\.cluster\.local$/, "linkerd"],
  [/^dapr|\/dapr-sentry$/, "dapr"],
  [/^Smallstep/, "step"],
  [/^Easy-RSA CA$/, "easy-rsa"],
  [/^mkcert development /, "mkcert"],
  [/^trustme v/, "trustme"],
  [/^rcgen self signed cert$/, "rcgen"],
  [/^cluster\.local$/, "istio"],
];

/** By what an issuer writes into every certificate; many write nothing of the kind. */
function issuerOf(certificate: Certificate): Issuer | undefined {
  const names = [certificate.subject, certificate.issuer].flatMap((name) => [
    ...valuesOf(name, ATTRIBUTES.commonName),
    ...valuesOf(name, ATTRIBUTES.organization),
  ]);
  const sign = SIGNS.find(([pattern]) => names.some((name) => pattern.test(name)));
  return sign?.[1] ?? (isCertManagersDefault(certificate) ? "cert-manager" : undefined);
}

/** No subject, and the two usages that cert-manager sets where `usages` says nothing. */
function isCertManagersDefault({ subject, extensions }: Certificate): boolean {
  const { keyUsage, extendedKeyUsage, basicConstraints, subjectKeyIdentifier } = extensions;
  return subject.parts.length === 0 && extendedKeyUsage === undefined && keyUsage?.size === 2 &&
    keyUsage.has("digitalSignature") && keyUsage.has("keyEncipherment") &&
    basicConstraints?.critical === true && subjectKeyIdentifier === undefined;
}

/** What to do about a certificate that a rule refuses: what its source asks, and where the issuer sets it. */
export function unsuitableAdvice(rule: string, certificate: Certificate | undefined): string {
  const { asks } = ruleText(rule);
  return certificate === undefined || SETTINGS[rule] === undefined
    ? asks
    : `${asks}; ${issuerSetting(rule, certificate)}`;
}
