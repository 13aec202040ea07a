import { type Certificate, leadsToAnchor, type OwnChainQuestion } from "../identity/mod.ts";
import type { CredentialMaterial } from "./material.ts";
import { type CredentialRejection, rejection } from "./rejection.ts";

/**
 * Why the bundles of a new version must not replace those in use although they can be read: an anchor in use is
 * dropped because what stands in its place is skipped, or all anchors in use are replaced while our own certificate,
 * which led to one of them, stays and leads to none of the new ones. Either would end a fleet that shares the bundle.
 *
 * An anchor that is left out while others stay is taken away on purpose, be it our own: that must take effect.
 *
 * @param inUse The version in use.
 * @param offered The one that would replace it.
 */
export function bundleFault(
  inUse: CredentialMaterial,
  offered: CredentialMaterial,
  now: number,
  question: OwnChainQuestion,
): CredentialRejection | undefined {
  return droppedAnchor(inUse, offered) ?? lostOwnAuthority(inUse, offered, now, question);
}

function droppedAnchor(
  inUse: CredentialMaterial,
  offered: CredentialMaterial,
): CredentialRejection | undefined {
  for (const { subjectKey, bundle, place, rule, found } of offered.skipped ?? []) {
    const ofThatName = ({ subject }: Certificate) => subject.key === subjectKey;
    if (subjectKey === undefined || !inUse.anchors?.all.some(ofThatName)) continue;
    if (offered.anchors?.all.some(ofThatName)) continue;
    return rejection(
      "malformed",
      "ca",
      `certificate ${place} of ${bundle} breaks the rule ${rule} (${found}) and stands in the place of an ` +
        "authority in use; write one that can be used, or leave it out if that authority is to go",
    );
  }
  return undefined;
}

function lostOwnAuthority(
  { own, anchors: before }: CredentialMaterial,
  { own: same, anchors: after }: CredentialMaterial,
  now: number,
  question: OwnChainQuestion,
): CredentialRejection | undefined {
  if (own === undefined || before === undefined || after === undefined) return undefined;
  if (same?.leaf.fingerprint !== own.leaf.fingerprint) return undefined;
  if (before.all.some((anchor) => after.has(anchor))) return undefined;
  const chain = [same.leaf, ...same.authorities];
  if (leadsToAnchor(chain, after, now, question)) return undefined;
  return leadsToAnchor([own.leaf, ...own.authorities], before, now, question)
    ? rejection(
      "unsuitable",
      "ca",
      "our own certificate leads to none of its authorities, and did to one of those in use: peers that share the " +
        "bundle would refuse us; write a certificate of a new authority first, or together with the bundle",
    )
    : undefined;
}
