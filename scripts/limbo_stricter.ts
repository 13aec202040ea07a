/**
 * The cases of x509-limbo that expect SUCCESS and are refused here on purpose, one by one;
 * `docs/limbo.md` shows them.
 *
 * `rule` is the rule that must refuse the case: refused for another reason, it is a failure.
 */
export const STRICTER: Readonly<Record<string, { readonly rule: string; readonly why: string }>> = {
  "crl::certificate-not-on-crl": noLists(),
  "crl::certificate-serial-on-crl-different-issuer": noLists(),
  "crl::issuer-no-keyusage-extension": noLists(),
  "crl::issuer-valid-crlsign-and-keycertsign": noLists(),
  "cve::cve-2024-0567": {
    rule: "chain.certificates",
    why: "ten certificates are presented, and a chain holds at most eight",
  },
  "rfc5280::eku::ee-without-eku": {
    rule: "leaf.purpose",
    why:
      "a leaf must say that it is for TLS in the peer's role; webpki::eku::ee-without-eku agrees",
  },
  "rfc5280::no-keyusage": {
    rule: "leaf.key-usage",
    why: "a leaf must say that its key may sign: digitalSignature is what TLS 1.3 and an SVID need",
  },
  "rfc5280::ca-as-leaf": {
    rule: "leaf.authority",
    why: "an authority's certificate is nobody's own; webpki::ca-as-leaf agrees",
  },
  "webpki::nc::permitted-dns-match-noncritical": {
    rule: "constraints.critical",
    why: "name constraints must be critical, so that no reader skips them; " +
      "rfc5280::nc::permitted-dns-match-noncritical agrees",
  },
};

function noLists(): { readonly rule: string; readonly why: string } {
  return {
    rule: "crl.unsupported",
    why: "revocation lists are not read, so a question that needs one is refused; " +
      "short lifetimes and the denylist stand in for them",
  };
}
