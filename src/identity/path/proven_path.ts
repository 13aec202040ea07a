import { type Certificate, isSelfIssued } from "../certificate/certificate.ts";
import { formatName } from "../certificate/distinguished_name.ts";
import type { Work } from "../certificate/work.ts";
import type { VerdictLimits } from "./limits.ts";
import type { PathFault } from "./path_fault.ts";
import type { Steps } from "./check.ts";
import { constraintFault } from "./constraint_rules.ts";
import { type Path, type PathQuestion, PathRules } from "./path_rules.ts";
import { PathSearch } from "./path_search.ts";
import type { ChainFault, PresentedAuthorities } from "./presented_chain.ts";
import type { TrustAnchors } from "./trust_anchors.ts";
import { SignatureChecks } from "./signature_checks.ts";

/** A path that holds, or why there is none. */
export type ProvenPath =
  | {
    readonly kind: "path";
    readonly path: Path;
    /** Whether no other was tried before it. */
    readonly isFirst: boolean;
  }
  | {
    readonly kind: "fault";
    readonly fault: ChainFault;
    /** The certificate whose issuer was not found. */
    readonly orphan?: Certificate;
  };

/**
 * Finds a path from the leaf to an anchor that breaks no rule and is signed all along; yields each signature
 * check, so that its caller can let others go on and make it where it costs least.
 *
 * What each certificate is for comes first, since that costs nothing; then signatures, from the anchor down; then
 * names, so that only an authority can make a verdict compare them.
 */
export function* provePath(
  leaf: Certificate,
  presented: PresentedAuthorities,
  limits: VerdictLimits,
  question: PathQuestion,
): Steps<ProvenPath> {
  const { anchors, work, now } = question;
  const checks = new SignatureChecks(work, anchors.proven, now);
  const search = new PathSearch(anchors, presented, limits, work);
  const rules = new PathRules(question);
  if (isPinned(leaf, anchors)) {
    const fault = rules.pinnedFault(leaf);
    return fault === undefined
      ? { kind: "path", path: [leaf], isFirst: true }
      : { kind: "fault", fault };
  }
  const faulty: { readonly path: Path; readonly fault: PathFault }[] = [];
  let forged: Certificate | undefined;
  for (const path of search.from(leaf)) {
    const fault = rules.faultOf(path);
    if (fault !== undefined) {
      faulty.push({ path, fault });
      continue;
    }
    const unproven = yield* checks.firstUnproven(path);
    if (work.exhausted) break;
    if (unproven !== undefined) {
      forged ??= unproven;
      continue;
    }
    const named = constraintFault(path, work);
    if (named === undefined) {
      checks.remember(path);
      const isFirst = faulty.length === 0 && forged === undefined;
      return { kind: "path", path, isFirst };
    }
    faulty.push({ path, fault: named });
  }
  // A rule is reported only of a path that is signed; else any stranger could have written it.
  for (const { path, fault } of faulty) {
    const unproven = yield* checks.firstUnproven(path);
    if (unproven === undefined || isUnprovable(fault, leaf)) return { kind: "fault", fault };
    forged ??= unproven;
  }
  return noPath(leaf, forged, search, presented, work);
}

// A self-signed leaf that is byte for byte in the bundle is accepted as itself, and is never an issuer.
function isPinned(leaf: Certificate, anchors: TrustAnchors): boolean {
  return isSelfIssued(leaf) && anchors.has(leaf) && leaf.extensions.basicConstraints?.ca !== true;
}

// What cannot be checked here is refused by its name, not as a forgery.
function isUnprovable({ rule, certificate }: PathFault, leaf: Certificate): boolean {
  return rule === "certificate.signature-algorithm" ||
    (rule === "certificate.key" && certificate !== leaf);
}

function noPath(
  leaf: Certificate,
  forged: Certificate | undefined,
  search: PathSearch,
  presented: PresentedAuthorities,
  work: Work,
): ProvenPath {
  const untrusted = (rule: string, found: string, certificate = leaf) => ({
    kind: "fault" as const,
    fault: { reason: "untrusted-authority" as const, rule, found, certificate },
  });
  if (work.exhausted) {
    return untrusted("path.work", "judging its chain takes more work than a verdict may");
  }
  if (presented.tooMany) {
    return untrusted("chain.certificates", "a path takes more certificates than are read");
  }
  if (forged !== undefined) {
    const found = `"${formatName(forged.subject)}" is not signed by the authority that it names`;
    return untrusted("path.signature", found, forged);
  }
  if (presented.unread !== undefined) return { kind: "fault", fault: presented.unread };
  if (search.tooLong) return untrusted("path.intermediates", "its chain has too many authorities");
  if (isSelfIssued(leaf)) return untrusted("path.self-signed", "it is signed by itself");
  const orphan = search.deepest.at(-1) ?? leaf;
  const issuer = formatName(orphan.issuer);
  const found = isSelfIssued(orphan)
    ? `its chain ends in "${issuer}", which is not trusted`
    : `its issuer "${issuer}" is neither trusted nor presented`;
  return { ...untrusted("path.no-issuer", found, orphan), orphan };
}
