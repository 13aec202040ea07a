import type { HandshakeEvidence } from "../errors/mod.ts";
import { type Certificate, formatPemBundle, type PeerRole, summarize } from "../identity/mod.ts";
import { present } from "../values/mod.ts";
import { changeEvidence, rehearsedMaterial } from "./bundle_change.ts";
import { type CredentialMaterial, OwnCertificate } from "./material.ts";
import { ownAuthorityFault, ownCertificateFault } from "./own_certificate_fault.ts";

/** What is wrong with our own certificate in a rehearsal. */
export interface RehearsedOwn {
  /** What is wrong; absent where nothing is. */
  readonly own?: HandshakeEvidence;
  /** The certificate is the one in use, and at fault there already: the version would be adopted with it. */
  readonly ownInUse?: true;
}

/**
 * What a version that is only rehearsed means for our own certificate. The one in use keeps no trust once it is of no
 * use itself, as `CredentialsStore.offer` has it.
 */
export function rehearsedOwn(
  inUse: CredentialMaterial | undefined,
  offered: CredentialMaterial,
  now: number,
  role: PeerRole,
): RehearsedOwn {
  const change = changeEvidence(inUse, offered, now, role);
  const fault = ownFault(offered, now, role);
  const own = fault ?? change;
  const stays = fault !== undefined && change === undefined && inUse !== undefined &&
    isSame(inUse.own, offered.own) && ownFault(inUse, now, role) !== undefined;
  return { ...present({ own }), ...(stays ? { ownInUse: true } : {}) };
}

/** The material as it would be with a chain of ours whose key is not here. */
export function withOwnChain(
  inUse: CredentialMaterial | undefined,
  offered: CredentialMaterial,
  [leaf, ...issuers]: readonly Certificate[],
): CredentialMaterial {
  if (leaf === undefined) return offered;
  const chain = [leaf, ...issuers] as const;
  const certPem = formatPemBundle(chain);
  const own = inUse?.own?.certPem === certPem
    ? inUse.own
    : new OwnCertificate({ certPem, keyPem: "", chain, summary: summarize(leaf) });
  return rehearsedMaterial({ ...offered, own }, offered);
}

function ownFault(
  material: CredentialMaterial,
  now: number,
  role: PeerRole,
): HandshakeEvidence | undefined {
  return ownCertificateFault(material, now, role) ?? ownAuthorityFault(material, now, role);
}

function isSame(inUse: OwnCertificate | undefined, offered: OwnCertificate | undefined): boolean {
  return inUse?.certPem === offered?.certPem && inUse?.keyPem === offered?.keyPem;
}
