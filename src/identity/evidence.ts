import type { CertificateReason, HandshakeEvidence } from "../errors/mod.ts";
import type { Certificate } from "./certificate/certificate.ts";
import { formatName } from "./certificate/distinguished_name.ts";
import type { IdentityPattern } from "./names/identity_pattern.ts";
import { presentedNames, summarize } from "./certificate/summary.ts";
import { unsuitableAdvice } from "./issuer_settings.ts";
import { ruleText } from "./rule_text.ts";
import type { TrustAnchors } from "./path/trust_anchors.ts";
import { durationText } from "../values/mod.ts";

/** More anchors than a person compares with. */
const MAX_ANCHORS = 16;
/** A clock that is further off than this is not what is wrong. */
const MAX_CLOCK_ERROR_SECONDS = 24 * 60 * 60;

/** What the evidence of a refusal is made of. */
export interface Finding {
  readonly reason: CertificateReason;
  readonly rule: string;
  readonly found: string;
  /** The certificate at fault, where one could be read. */
  readonly certificate: Certificate | undefined;
  /** Its place in the presented chain, where it has one. */
  readonly certificateIndex: number | undefined;
  /** The certificate whose issuer was not found. */
  readonly orphan: Certificate | undefined;
}

/** What the finding is put next to. */
export interface FindingContext {
  readonly anchors: TrustAnchors;
  readonly expected: readonly IdentityPattern[];
  readonly now: number;
  /** The peer's own certificate, where it could be read. */
  readonly leaf: Certificate | undefined;
}

/** Writes a finding down for a person to act on. */
export function evidenceOf(finding: Finding, context: FindingContext): HandshakeEvidence {
  const { certificate, certificateIndex, orphan } = finding;
  const clockOff = clockOffBySeconds(finding, context.now);
  return {
    rule: finding.rule,
    ...finding.reason === "certificate-unsuitable" && { field: ruleText(finding.rule).field },
    found: foundOf(finding, context.leaf),
    advice: adviceFor(finding, clockOff),
    expected: context.expected.map(({ text }) => text),
    now: new Date(context.now).toISOString(),
    ...context.leaf && { presented: presentedNames(context.leaf) },
    ...certificate && { certificate: summarize(certificate) },
    ...certificateIndex !== undefined && { certificateIndex },
    ...orphan && { issuerWanted: formatName(orphan.issuer) },
    ...clockOff !== undefined && { clockOffBySeconds: clockOff },
    ...finding.reason === "untrusted-authority" && { anchors: shownAnchors(context.anchors) },
  };
}

/** The dates of an authority would read as those of the leaf. */
function foundOf({ rule, found, certificate }: Finding, leaf: Certificate | undefined): string {
  if (!rule.startsWith("dates.") || certificate === undefined || certificate === leaf) return found;
  return `the authority "${formatName(certificate.subject)}": ${found}`;
}

function shownAnchors(anchors: TrustAnchors): NonNullable<HandshakeEvidence["anchors"]> {
  return anchors.all.slice(0, MAX_ANCHORS).map(({ subject, fingerprint }) => ({
    subject: formatName(subject),
    fingerprint,
  }));
}

// Positive where our clock would have to be behind, as for a certificate that is not valid yet.
function clockOffBySeconds({ reason, certificate }: Finding, now: number): number | undefined {
  if (certificate === undefined) return undefined;
  const second = Math.floor(now / 1000);
  const off = reason === "certificate-not-yet-valid"
    ? certificate.notBefore / 1000 - second
    : reason === "certificate-expired"
    ? certificate.notAfter / 1000 - second
    : undefined;
  return off === undefined || Math.abs(off) > MAX_CLOCK_ERROR_SECONDS ? undefined : off;
}

function adviceFor(
  { reason, rule, orphan, certificate }: Finding,
  clockOff: number | undefined,
): string {
  switch (reason) {
    case "certificate-expired":
      return clockOff === undefined
        ? "renew the certificate"
        : `renew the certificate; it expired ${secondsText(-clockOff)} ago; is this clock ahead?`;
    case "certificate-not-yet-valid":
      return clockOff === undefined
        ? "issue a certificate that is valid now"
        : `it is valid from ${secondsText(clockOff)} in the future; is this clock behind?`;
    case "certificate-denied":
      return "issue the peer a new key and certificate, or take it off the denylist";
    case "identity-mismatch":
      return "issue the peer a certificate with an expected name, or expect one it has (identity, --identity)";
    case "certificate-unsuitable":
      return unsuitableAdvice(rule, certificate);
    case "untrusted-authority":
      if (rule === "path.trust-domain") {
        return "give the anchors of that trust domain, as its own";
      }
      if (rule === "path.signature") {
        return "an authority of that name is known, with another key: if it was made anew, trust the new one; " +
          "if not, issue the certificate from it";
      }
      return orphan === undefined
        ? "issue the certificate from an authority of the bundle"
        : "add that issuer to the trusted authorities, or have the peer present it";
  }
}

function secondsText(seconds: number): string {
  return durationText(seconds * 1_000);
}
