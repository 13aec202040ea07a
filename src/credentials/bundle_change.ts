import type { HandshakeEvidence } from "../errors/mod.ts";
import {
  type Certificate,
  formatName,
  ownAnchor,
  type OwnChainQuestion,
  type PeerRole,
  spiffeIdOf,
  type TrustAnchors,
} from "../identity/mod.ts";
import type { CredentialMaterial } from "./material.ts";
import { type CredentialRejection, rejection } from "./rejection.ts";
import { present } from "../values/mod.ts";

/**
 * Why a new version must not replace the one in use although each of its parts can be read: an anchor in use is
 * dropped because what stands in its place is skipped, or our own chain, which leads to an anchor in use, leads to
 * none of the new version. Peers that share the bundle would refuse us: either would end a fleet.
 *
 * It holds as long as the certificate in use does. One that leads to none of its anchors, or has ended, is no
 * better than what is offered. `docs/trust-verdict.md` ("Taking trust away") says how distrust takes effect.
 */
export function bundleFault(
  inUse: CredentialMaterial,
  offered: CredentialMaterial,
  now: number,
  question: OwnChainQuestion,
): CredentialRejection | undefined {
  return droppedAnchor(inUse, offered) ?? lostOwnAnchor(inUse, offered, now, question);
}

/**
 * What is judged by where material is rehearsed: without a certificate of its own it is a bundle for the one in use,
 * whose trust domain says what its authorities vouch for.
 */
export function rehearsedMaterial(
  inUse: CredentialMaterial | undefined,
  offered: CredentialMaterial,
): CredentialMaterial {
  if (offered.own !== undefined || inUse?.own === undefined) return offered;
  const anchors = offered.anchors?.inDomain(spiffeIdOf(inUse.own.leaf)?.trustDomain);
  return { ...offered, own: inUse.own, anchors };
}

/** What a version in use would answer to material that is only rehearsed. */
export function changeEvidence(
  inUse: CredentialMaterial | undefined,
  offered: CredentialMaterial,
  now: number,
  role: PeerRole,
): HandshakeEvidence | undefined {
  if (inUse === undefined) return undefined;
  const complete = rehearsedMaterial(inUse, offered);
  const fault = bundleFault(inUse, complete, now, { role, ...present({ mode: inUse.verdict }) });
  return fault && { rule: `own.${fault.reason}`, found: `${fault.setting}: ${fault.message}` };
}

/** Why a version drops an anchor in use: the certificate that stands in its place is skipped. */
export function droppedAnchor(
  inUse: CredentialMaterial,
  offered: CredentialMaterial,
): CredentialRejection | undefined {
  for (const { subjectKey, bundle, domain, place, rule, found } of offered.skipped ?? []) {
    const ofThatName = ({ subject }: Certificate) => subject.key === subjectKey;
    if (!inUse.anchors?.all.some(ofThatName)) continue;
    if (offered.anchors?.all.some(ofThatName)) continue;
    const fault = rejection(
      "malformed",
      "ca",
      `certificate ${place} of ${bundle} breaks the rule ${rule} (${found}) and stands in the place of an ` +
        "authority in use; write one that can be used, or leave it out if that authority is to go",
    );
    return { ...fault, ...present({ domain }) };
  }
  return undefined;
}

function lostOwnAnchor(
  inUse: CredentialMaterial,
  offered: CredentialMaterial,
  now: number,
  question: OwnChainQuestion,
): CredentialRejection | undefined {
  if (inUse.own?.fault !== undefined || offered.anchors === undefined) return undefined;
  const anchor = anchorOf(inUse, now, question);
  if (anchor === undefined || anchorOf(offered, now, question) !== undefined) return undefined;
  const rejected = offered.anchors.has(anchor)
    ? rejection("unsuitable", "cert", strangerMessage(anchor))
    : rejection("unsuitable", "ca", leftOutMessage(anchor, inUse.anchors, offered.anchors));
  return { ...rejected, mismatched: true };
}

function anchorOf(
  { own, anchors }: CredentialMaterial,
  now: number,
  question: OwnChainQuestion,
): Certificate | undefined {
  if (own === undefined || anchors === undefined) return undefined;
  return ownAnchor([own.leaf, ...own.authorities], anchors, now, question);
}

function strangerMessage({ subject }: Certificate): string {
  return "it leads to none of our own authorities, and the certificate in use leads to " +
    `"${formatName(subject)}": peers that share the bundle would refuse us; ` +
    "put its authority into every bundle first";
}

/** More authorities than a person reads about in one sentence. */
const SHOWN_LEFT_OUT = 8;

function leftOutMessage(
  { subject, publicKey }: Certificate,
  before: TrustAnchors | undefined,
  after: TrustAnchors,
): string {
  const name = `"${formatName(subject)}"`;
  const { length } = after.all;
  const others = length === 1 ? "not to the authority" : `to none of the ${length} authorities`;
  return `our own certificate leads to ${name}, which is left out, and ${others} that the bundle holds: peers that ` +
    `share the bundle would refuse us, so that ${name} is trusted still; write a certificate of an authority that ` +
    `stays first, or with it. To distrust ${name} before, deny its key: ` +
    denying([publicKey.spkiSha256]) +
    alsoLeftOut(before?.all ?? [], after, publicKey.spkiSha256);
}

/** The others that the version leaves out are trusted as long as it is not taken, whatever they are left out for. */
function alsoLeftOut(before: readonly Certificate[], after: TrustAnchors, own: string): string {
  const kept = new Set([own, ...after.all.map(({ publicKey }) => publicKey.spkiSha256)]);
  const others = before.filter(({ publicKey }) => !kept.has(publicKey.spkiSha256));
  if (others.length === 0) return "";
  const names = others.slice(0, SHOWN_LEFT_OUT).map(({ subject }) => `"${formatName(subject)}"`);
  const more = others.length - names.length;
  const keys = others.slice(0, SHOWN_LEFT_OUT).map(({ publicKey }) => publicKey.spkiSha256);
  return `. It leaves out ${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}, too, which ${
    others.length === 1 ? "stays" : "stay"
  } trusted with it; to distrust ${others.length === 1 ? "it" : "those"}: ${denying(keys)}`;
}

function denying(keys: readonly string[]): string {
  return JSON.stringify({ spkiSha256: keys });
}
