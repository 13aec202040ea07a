import { spiffeIdOf } from "../identity/mod.ts";
import { assemble, type Assembled } from "./assemble.ts";
import { droppedAnchor } from "./bundle_change.ts";
import type { CredentialMaterial, CredentialPem } from "./material.ts";
import type { CredentialRejection } from "./rejection.ts";

/** Text as it was read; the bundles of some trust domains may be missing. */
export interface ReadPem extends CredentialPem {
  /** Why those are missing. Default: none is. */
  readonly unread?: readonly CredentialRejection[];
}

/**
 * Checks text that would replace a version in use. What is wrong with the bundle of another trust domain holds up
 * nothing else: that domain keeps the bundle in use, and `kept` says why. A torn bundle of a partner would else keep
 * us from our own next certificate until ours has ended.
 *
 * @param inUse The version in use; without one nothing can be kept, and the fault rejects the text.
 */
export function assembleNext(
  read: ReadPem,
  now: number,
  inUse: CredentialMaterial | undefined,
): Assembled {
  const kept: CredentialRejection[] = [];
  let pem = read;
  for (;;) {
    const assembled = assembleRead(pem, now);
    const fault = faultOf(assembled, inUse);
    const next = fault && inUse && keeping(pem, fault, inUse);
    if (next === undefined) {
      return kept.length > 0 && assembled.kind !== "rejected" ? { ...assembled, kept } : assembled;
    }
    kept.push({ ...fault!, message: `${fault!.message}; that domain keeps the bundle in use` });
    pem = next;
  }
}

function assembleRead({ unread: [missing] = [], ...pem }: ReadPem, now: number): Assembled {
  return missing ?? assemble(pem, now);
}

function faultOf(
  assembled: Assembled,
  inUse: CredentialMaterial | undefined,
): CredentialRejection | undefined {
  if (assembled.kind === "rejected") return assembled;
  return inUse && droppedAnchor(inUse, assembled.material);
}

/** The text with the bundle in use of the trust domain that is at fault, where that is another than our own. */
function keeping(
  pem: ReadPem,
  { domain }: CredentialRejection,
  inUse: CredentialMaterial,
): ReadPem | undefined {
  if (domain === undefined || domain === ownDomain(inUse)) return undefined;
  const bundle = inUse.pem().domains?.get(domain);
  if (bundle === undefined || bundle === pem.domains?.get(domain)) return undefined;
  return {
    ...pem,
    domains: new Map([...pem.domains ?? [], [domain, bundle]]),
    unread: (pem.unread ?? []).filter((missing) => missing.domain !== domain),
  };
}

function ownDomain({ own }: CredentialMaterial): string | undefined {
  return own === undefined ? undefined : spiffeIdOf(own.leaf)?.trustDomain;
}
