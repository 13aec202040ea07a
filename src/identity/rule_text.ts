/** The field that a rule is about, and what its source asks. */
export interface RuleText {
  /** The field or extension, as RFC 5280 names it. */
  readonly field: string;
  /** One sentence, with the source. */
  readonly asks: string;
}

/** What the source of a rule asks, one sentence each, by the field that the rule is about and by the rule. */
const ASKED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  keyUsage: {
    "leaf.key-usage":
      "TLS 1.3 needs digitalSignature (RFC 8446 §4.4.2.2), an SVID must say so (X509-SVID §4.3)",
    "authority.key-usage": "an authority's certificate must have keyCertSign (RFC 5280 §4.2.1.3)",
  },
  extendedKeyUsage: {
    "leaf.purpose":
      "a certificate should name the roles that it serves in: serverAuth for workers, clientAuth " +
      "for callers (RFC 5280 §4.2.1.12, X509-SVID §4.4)",
    "leaf.both-roles":
      "one role a certificate, or names that tell workers from callers: a stolen key of one serves " +
      "as the other",
    "leaf.any-purpose":
      "name serverAuth and clientAuth instead of every purpose (CA/Browser Forum BR 7.1.2.7.10)",
    "leaf.critical-purpose": "the extension should not be critical (CA/Browser Forum BR 7.1.2.7.6)",
    "authority.purpose":
      "in an authority the extension restricts what it may sign for; a root should have none " +
      "(CA/Browser Forum BR 7.1.2.1.2)",
  },
  basicConstraints: {
    "leaf.authority": "a peer's own certificate is not an authority's (X509-SVID §4.1)",
    "authority.basic-constraints":
      "an authority's basic constraints must be critical (RFC 5280 §4.2.1.9)",
    "authority.not-one": "a certificate that signs others must have CA:TRUE (RFC 5280 §4.2.1.9)",
  },
  nameConstraints: {
    "leaf.constraints": "only an authority's certificate may constrain names (RFC 5280 §4.2.1.10)",
    "constraints.critical":
      "name constraints must be critical (RFC 5280 §4.2.1.10); they are applied all the same",
  },
  authorityKeyIdentifier: {
    "leaf.key-identifier": "a certificate must identify the key that signed it (RFC 5280 §4.2.1.1)",
  },
  validity: {
    "leaf.lifetime":
      "nothing revokes a certificate here but the denylist; hours or days are enough where issuing " +
      "is automatic",
  },
  "validity.notBefore": {
    "leaf.not-before":
      "begin a minute before issuance: a peer whose clock is behind refuses it at first",
  },
  subjectAltName: {
    "anchor.domain":
      "give the roots of each trust domain for that domain alone: a root without one vouches for host " +
      "names, too",
    "san.critical":
      "the extension must be critical where the subject is empty, and should not be where it is not " +
      "(RFC 5280 §4.2.1.6)",
    "svid.path": "the SPIFFE ID of a workload has a path (X509-SVID §4.1)",
    "san.several-uris": "an SVID has exactly one URI name (X509-SVID §2)",
  },
  "authorityKeyIdentifier, subjectKeyIdentifier": {
    "authority.key-identifier":
      "an authority must identify its key, and the one that signed it (RFC 5280 §4.2.1.1, §4.2.1.2)",
  },
  "subject.commonName": {
    "subject.common-name":
      "a common name that reads as a host should be among the subject alternative names (CA/Browser " +
      "Forum BR 7.1.4.3)",
  },
  "validity, keyUsage, extensions": {
    "certificate.spelling":
      "a date before 2050 has a year of two digits, a key usage has no zeros at its end, and what is " +
      "false by default is left out (RFC 5280 §4.1.2.5, X.690 §11.2.2, §11.5)",
  },
  version: {
    "certificate.version": "extensions need X.509 v3 (RFC 5280 §4.1.2.1)",
  },
  serialNumber: {
    "certificate.serial":
      "a serial number is positive and has at most 20 bytes (RFC 5280 §4.1.2.2)",
  },
};

/** What a rule is about. */
export function ruleText(rule: string): RuleText {
  for (const [field, rules] of Object.entries(ASKED)) {
    const asks = rules[rule];
    if (asks !== undefined) return { field, asks };
  }
  return { field: rule, asks: "see docs/trust-verdict.md for the rule" };
}
