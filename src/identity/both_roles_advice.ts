import { type Certificate, spiffeIdOf } from "./certificate/certificate.ts";
import { type CertificateFault, certificateFault } from "./certificate/certificate_fault.ts";
import { matchNames } from "./name_match.ts";
import type { IdentityPattern } from "./names/identity_pattern.ts";

/**
 * Whether a leaf that is for either role is also accepted at the other end: then the holder of its key is a worker to
 * callers and a caller to workers.
 */
export function bothRolesAdvice(
  leaf: Certificate,
  accepts: readonly IdentityPattern[],
): readonly CertificateFault[] {
  if (leaf.extensions.extendedKeyUsage !== undefined) return [];
  const names = leaf.extensions.subjectAlternativeNames ?? [];
  const proven = { names, spiffeId: spiffeIdOf(leaf), local: true, commonName: undefined };
  for (const pattern of accepts) {
    const match = matchNames(pattern, proven);
    if (match === undefined) continue;
    const found =
      `it serves in both roles, and "${pattern.text}", which is accepted of peers, matches ${match.name}`;
    return [certificateFault("leaf.both-roles", found)];
  }
  return [];
}
