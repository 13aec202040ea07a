/** The field that a rule is about, and what its source asks. */
export interface RuleText {
  /** The field or extension, as RFC 5280 names it. */
  readonly field: string;
  /** One sentence, with the source. */
  readonly asks: string;
}

const TEXTS: Readonly<Record<string, RuleText>> = {
  "leaf.key-usage": {
    field: "keyUsage",
    asks:
      "TLS 1.3 needs digitalSignature (RFC 8446 §4.4.2.2), an SVID must say so (X509-SVID §4.3)",
  },
  "leaf.purpose": {
    field: "extendedKeyUsage",
    asks:
      "a certificate should name the roles that it serves in: serverAuth for workers, clientAuth " +
      "for callers (RFC 5280 §4.2.1.12, X509-SVID §4.4)",
  },
  "leaf.both-roles": {
    field: "extendedKeyUsage",
    asks:
      "one role a certificate, or names that tell workers from callers: a stolen key of one serves " +
      "as the other",
  },
  "leaf.any-purpose": {
    field: "extendedKeyUsage",
    asks:
      "name serverAuth and clientAuth instead of every purpose (CA/Browser Forum BR 7.1.2.7.10)",
  },
  "leaf.critical-purpose": {
    field: "extendedKeyUsage",
    asks: "the extension should not be critical (CA/Browser Forum BR 7.1.2.7.6)",
  },
  "leaf.authority": {
    field: "basicConstraints",
    asks: "a peer's own certificate is not an authority's (X509-SVID §4.1)",
  },
  "leaf.constraints": {
    field: "nameConstraints",
    asks: "only an authority's certificate may constrain names (RFC 5280 §4.2.1.10)",
  },
  "leaf.key-identifier": {
    field: "authorityKeyIdentifier",
    asks: "a certificate must identify the key that signed it (RFC 5280 §4.2.1.1)",
  },
  "leaf.lifetime": {
    field: "validity",
    asks:
      "nothing revokes a certificate here but the denylist; hours or days are enough where issuing " +
      "is automatic",
  },
  "leaf.not-before": {
    field: "validity.notBefore",
    asks: "begin a minute before issuance: a peer whose clock is behind refuses it at first",
  },
  "anchor.domain": {
    field: "subjectAltName",
    asks:
      "give the roots of each trust domain for that domain alone: a root without one vouches for host " +
      "names, too",
  },
  "authority.key-usage": {
    field: "keyUsage",
    asks: "an authority's certificate must have keyCertSign (RFC 5280 §4.2.1.3)",
  },
  "authority.key-identifier": {
    field: "authorityKeyIdentifier, subjectKeyIdentifier",
    asks:
      "an authority must identify its key, and the one that signed it (RFC 5280 §4.2.1.1, §4.2.1.2)",
  },
  "authority.basic-constraints": {
    field: "basicConstraints",
    asks: "an authority's basic constraints must be critical (RFC 5280 §4.2.1.9)",
  },
  "authority.not-one": {
    field: "basicConstraints",
    asks: "a certificate that signs others must have CA:TRUE (RFC 5280 §4.2.1.9)",
  },
  "authority.purpose": {
    field: "extendedKeyUsage",
    asks: "in an authority the extension restricts what it may sign for; a root should have none " +
      "(CA/Browser Forum BR 7.1.2.1.2)",
  },
  "constraints.critical": {
    field: "nameConstraints",
    asks: "name constraints must be critical (RFC 5280 §4.2.1.10); they are applied all the same",
  },
  "san.critical": {
    field: "subjectAltName",
    asks:
      "the extension must be critical where the subject is empty, and should not be where it is not " +
      "(RFC 5280 §4.2.1.6)",
  },
  "subject.common-name": {
    field: "subject.commonName",
    asks:
      "a common name that reads as a host should be among the subject alternative names (CA/Browser " +
      "Forum BR 7.1.4.3)",
  },
  "certificate.version": { field: "version", asks: "extensions need X.509 v3 (RFC 5280 §4.1.2.1)" },
  "certificate.serial": {
    field: "serialNumber",
    asks: "a serial number is positive and has at most 20 bytes (RFC 5280 §4.1.2.2)",
  },
  "svid.path": {
    field: "subjectAltName",
    asks: "the SPIFFE ID of a workload has a path (X509-SVID §4.1)",
  },
  "san.several-uris": {
    field: "subjectAltName",
    asks: "an SVID has exactly one URI name (X509-SVID §2)",
  },
};

/** What a rule is about. */
export function ruleText(rule: string): RuleText {
  return TEXTS[rule] ?? { field: rule, asks: "see docs/trust-verdict.md for the rule" };
}
