import { validityFault } from "../../credentials/mod.ts";
import {
  type Certificate,
  type CertificateFault,
  formatName,
  isCertificateFault,
  summarize,
} from "../../identity/mod.ts";
import type { Outcome, Problem, Step } from "./report.ts";

/** What is known about a chain beside what it holds. */
export interface ChainFindings {
  /**
   * What became of the trust in it: what is wrong with a certificate of a chain that was accepted is no fault of it, and
   * where trust was not judged, peers may trust another certificate of an authority above the leaf's.
   */
  readonly trust: Outcome;
  /** The time, in milliseconds since the epoch. */
  readonly now: number;
}

/** One step for each certificate of a chain, leaf first: whether it can be read, and whether its time is now. */
export function* certificateSteps(
  chain: readonly (Certificate | CertificateFault)[],
  { trust, now }: ChainFindings,
): Generator<Step> {
  const needed = neededIn(chain);
  for (const [index, certificate] of chain.entries()) {
    const problem = problemOf(certificate, index, now);
    const summary = isCertificateFault(certificate) ? {} : { certificate: summarize(certificate) };
    if (problem === undefined) {
      const stray = needed.has(index) ? {} : { stray: true };
      yield { step: "certificate", outcome: "passed", index, ...summary, ...stray };
      continue;
    }
    const stray = trust === "passed" || !needed.has(index) || hasValidTwin(chain, index, now);
    const mayDo = trust === "skipped" && isAboveIssuer(chain, certificate);
    const outcome = stray || mayDo ? "skipped" : "failed";
    yield { step: "certificate", outcome, index, ...summary, problem, ...(stray && { stray }) };
  }
}

function problemOf(
  certificate: Certificate | CertificateFault,
  index: number,
  now: number,
): Problem | undefined {
  if (isCertificateFault(certificate)) {
    return {
      error: "HandshakeError",
      reason: "certificate-unsuitable",
      message: certificate.found,
      evidence: { rule: certificate.rule, certificateIndex: index },
    };
  }
  const dates = validityFault(certificate, now);
  if (dates === undefined) return undefined;
  const of = index === 0 ? "" : `the authority "${formatName(certificate.subject)}": `;
  return {
    error: "HandshakeError",
    reason: `certificate-${dates.reason}`,
    message: `${of}${dates.found}; ${renewal(dates.reason)}`,
    evidence: { found: `${of}${dates.found}`, certificateIndex: index },
  };
}

function renewal(reason: "expired" | "not-yet-valid"): string {
  return reason === "expired" ? "renew the certificate" : "use a certificate that is valid now";
}

/** Whether it can be read, and is neither the leaf nor of the authority that has signed the leaf. */
function isAboveIssuer(
  [leaf]: readonly (Certificate | CertificateFault)[],
  certificate: Certificate | CertificateFault,
): boolean {
  return leaf !== undefined && !isCertificateFault(leaf) && !isCertificateFault(certificate) &&
    certificate !== leaf && certificate.subject.key !== leaf.issuer.key;
}

/** Whether another certificate of the same name, as of an authority that was renewed, can take its place. */
function hasValidTwin(
  chain: readonly (Certificate | CertificateFault)[],
  index: number,
  now: number,
): boolean {
  const outdated = chain[index];
  if (index === 0 || outdated === undefined || isCertificateFault(outdated)) return false;
  return chain.slice(1).some((other) =>
    !isCertificateFault(other) && other.subject.key === outdated.subject.key &&
    validityFault(other, now) === undefined
  );
}

/** The places of a chain that can be on a path from its leaf: one that cannot be read cannot be distinguished from them. */
function neededIn(chain: readonly (Certificate | CertificateFault)[]): ReadonlySet<number> {
  const needed = new Set([0]);
  for (const place of needed) {
    const child = chain[place];
    for (const [index, candidate] of chain.entries()) {
      const readable = child !== undefined && !isCertificateFault(child);
      const issues = isCertificateFault(candidate) ||
        (readable && candidate.subject.key === child.issuer.key);
      if (issues) needed.add(index);
    }
  }
  return needed;
}
