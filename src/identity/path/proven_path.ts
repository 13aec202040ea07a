import { type Certificate, isSelfIssued } from "../certificate/certificate.ts";
import { formatName } from "../certificate/distinguished_name.ts";
import type { VerdictLimits } from "./limits.ts";
import type { PathFault } from "./path_fault.ts";
import { type Path, pathFault, type PathQuestion } from "./path_rules.ts";
import { PathSearch } from "./path_search.ts";
import { SignatureChecks } from "./signature.ts";

/** A path that holds, or why there is none. */
export type ProvenPath =
  | { readonly kind: "path"; readonly path: Path }
  | {
    readonly kind: "fault";
    readonly fault: PathFault;
    /** The certificate whose issuer was not found. */
    readonly orphan?: Certificate;
  };

/**
 * Finds a path from the leaf to an anchor that breaks no rule and is signed all along.
 *
 * Rules come before signatures, since they cost nothing, and signatures before telling which rule.
 */
export function provePath(
  leaf: Certificate,
  certificates: readonly Certificate[],
  limits: VerdictLimits,
  { role, anchors, now }: Omit<PathQuestion, "budget">,
): ProvenPath {
  const checks = new SignatureChecks(limits.signatureChecks, anchors.proven, now);
  const search = new PathSearch(anchors, certificates, limits);
  const rules = { role, anchors, now, budget: { remaining: limits.nameComparisons } };
  const faulty: { readonly path: Path; readonly fault: PathFault }[] = [];
  let forged: Certificate | undefined;
  for (const path of search.from(leaf)) {
    const fault = pathFault(path, rules);
    if (fault !== undefined) {
      faulty.push({ path, fault });
      continue;
    }
    const unproven = checks.firstUnproven(path);
    if (unproven === undefined) {
      checks.remember(path);
      return { kind: "path", path };
    }
    forged ??= unproven;
  }
  // A rule is worth telling only of a path that is signed; else anybody could have written it.
  for (const { path, fault } of faulty) {
    const unproven = checks.firstUnproven(path);
    if (unproven === undefined || isUnprovable(fault, leaf)) return { kind: "fault", fault };
    forged ??= unproven;
  }
  return noPath(leaf, forged, search, checks);
}

// What nobody here can check is refused by its name, not as a forgery.
function isUnprovable({ rule, certificate }: PathFault, leaf: Certificate): boolean {
  return rule === "certificate.signature-algorithm" ||
    (rule === "certificate.key" && certificate !== leaf);
}

function noPath(
  leaf: Certificate,
  forged: Certificate | undefined,
  search: PathSearch,
  checks: SignatureChecks,
): ProvenPath {
  const untrusted = (rule: string, found: string, certificate = leaf) => ({
    kind: "fault" as const,
    fault: { reason: "untrusted-authority" as const, rule, found, certificate },
  });
  if (search.exhausted) return untrusted("path.search-limit", "its chain has too many ways to go");
  if (checks.exhausted) {
    return untrusted("path.signature-limit", "its chain takes too many signature checks");
  }
  if (forged !== undefined) {
    const found = `"${formatName(forged.subject)}" is not signed by the authority that it names`;
    return untrusted("path.signature", found, forged);
  }
  if (search.tooLong) return untrusted("path.intermediates", "its chain has too many authorities");
  if (isSelfIssued(leaf)) return untrusted("path.self-signed", "it is signed by itself");
  const orphan = search.deepest.at(-1) ?? leaf;
  const issuer = formatName(orphan.issuer);
  const found = isSelfIssued(orphan)
    ? `its chain ends in "${issuer}", which is not trusted`
    : `its issuer "${issuer}" is neither trusted nor presented`;
  return { ...untrusted("path.no-issuer", found, orphan), orphan };
}
