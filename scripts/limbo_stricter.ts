/** A case of x509-limbo on which we differ on purpose. */
export interface Difference {
  /** The rule that must refuse the case where it is refused: another one is a failure. */
  readonly rule: string;
  readonly why: string;
}

type Differences = Readonly<Record<string, Difference>>;

/** The cases that expect SUCCESS and are refused on purpose, one by one; `docs/limbo.md` shows them. */
export const STRICTER: Differences = {
  "crl::certificate-not-on-crl": noLists(),
  "crl::certificate-serial-on-crl-different-issuer": noLists(),
  "crl::issuer-no-keyusage-extension": noLists(),
  "crl::issuer-valid-crlsign-and-keycertsign": noLists(),
  "rfc5280::ca-as-leaf": {
    rule: "leaf.authority",
    why: "an authority's certificate is never a peer's own; webpki::ca-as-leaf agrees",
  },
};

/** Those that a strict verdict refuses besides. */
export const STRICTER_WHERE_STRICT: Differences = {
  "rfc5280::eku::ee-without-eku": {
    rule: "leaf.purpose",
    why: "webpki::eku::ee-without-eku asks for the refusal",
  },
  "rfc5280::no-keyusage": {
    rule: "leaf.key-usage",
    why: "a leaf must say that its key may sign, which TLS 1.3 and an SVID need",
  },
  "webpki::nc::permitted-dns-match-noncritical": {
    rule: "constraints.critical",
    why: "rfc5280::nc::permitted-dns-match-noncritical asks for the refusal",
  },
};

/** The cases that expect FAILURE and are accepted for private PKI, advised, and refused by that rule where strict. */
export const ADVISED: Differences = {
  "rfc5280::aki::intermediate-missing-aki": {
    rule: "authority.key-identifier",
    why: "a rule for issuers: the signature shows which key signed",
  },
  "rfc5280::aki::cross-signed-root-missing-aki": {
    rule: "authority.key-identifier",
    why: "a rule for issuers: the signature shows which key signed",
  },
  "rfc5280::ski::root-missing-ski": {
    rule: "authority.key-identifier",
    why: "a rule for issuers: the signature shows which key signed",
  },
  "rfc5280::root-non-critical-basic-constraints": {
    rule: "authority.basic-constraints",
    why: "advice about the flag only: the constraints are applied",
  },
  "rfc5280::san::underscore-dns": {
    rule: "san.dns",
    why: "matched to the letter, where an identity is spelt so",
  },
  "webpki::cn::ipv6-uncompressed-mismatch": commonName(),
  "webpki::cn::case-mismatch": commonName(),
  "webpki::eku::ee-anyeku": {
    rule: "leaf.any-purpose",
    why: "a rule of the public web: RFC 5280 §4.2.1.12 lets any purpose stand for the role",
  },
  "webpki::eku::ee-critical-eku": {
    rule: "leaf.critical-purpose",
    why: "a rule of the public web: RFC 5280 §4.2.1.12 lets the issuer choose",
  },
  "webpki::eku::ee-without-eku": {
    rule: "leaf.purpose",
    why: "a rule of the public web: rfc5280::eku::ee-without-eku asks for the acceptance",
  },
  "webpki::eku::root-has-eku": {
    rule: "authority.purpose",
    why: "a rule of the public web: the extension restricts the path, as an intermediate's does",
  },
  "webpki::san::san-critical-with-nonempty-subject": {
    rule: "san.critical",
    why: "a rule of the public web: the names are read all the same",
  },
};

function noLists(): Difference {
  return {
    rule: "crl.unsupported",
    why: "revocation lists are not read, so a question that needs one is refused; " +
      "short lifetimes and the denylist stand in for them",
  };
}

function commonName(): Difference {
  return {
    rule: "subject.common-name",
    why: "a rule of the public web: the common name of a server is never matched",
  };
}
