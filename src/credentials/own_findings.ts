import {
  type Advice,
  adviceOn,
  type IdentityPattern,
  ownChainFault,
  ownLeafFault,
  type PeerRole,
  type VerdictMode,
} from "../identity/mod.ts";
import type { CredentialMaterial } from "./material.ts";
import { type CredentialRejection, rejection, unsuitableMessage } from "./rejection.ts";
import { present } from "../values/mod.ts";

/** What our own certificates are for. */
export interface OwnUse {
  /** What we are in our connections. Default: either. */
  readonly role: PeerRole | undefined;
  /** How peers of our own kind judge. */
  readonly mode: VerdictMode;
  /** Who is accepted at the other end. */
  readonly accepts: readonly IdentityPattern[];
}

/** What is found about our own certificates. */
export interface OwnFindings {
  /** Why peers of our own kind would refuse our chain, where they would. */
  readonly unfit: CredentialRejection | undefined;
  /** What could be better about the chain and the bundle. */
  readonly advice: readonly Advice[];
}

/** From this age on nothing that is found about a certificate depends on the time, in milliseconds. */
const SETTLED_MS = 60_000;

const known = new WeakMap<CredentialMaterial, Map<string, OwnFindings>>();

/**
 * What is found about our own certificates at whatever time: their dates are judged elsewhere. All who open the same
 * text share what was found, so that a new dispatcher does not judge its own chain again.
 */
export function ownFindings(
  material: CredentialMaterial,
  use: OwnUse,
  now: number,
): OwnFindings {
  const age = now - (material.own?.leaf.notBefore ?? -Infinity);
  if (age < SETTLED_MS) return findings(material, use, now);
  const byUse = known.get(material) ?? new Map<string, OwnFindings>();
  known.set(material, byUse);
  const key = JSON.stringify([use.role, use.mode, ...use.accepts.map(({ text }) => text)]);
  const found = byUse.get(key) ?? findings(material, use, now);
  byUse.set(key, found);
  return found;
}

function findings(
  { own, anchors }: CredentialMaterial,
  { role, mode, accepts }: OwnUse,
  now: number,
): OwnFindings {
  const chain = own === undefined ? [] : [own.leaf, ...own.authorities];
  const question = { mode, role };
  const fault = own === undefined ? undefined : ownLeafFault(own.leaf, question) ??
    (anchors === undefined ? undefined : ownChainFault(chain, anchors, question));
  const message = unsuitableMessage(fault);
  return {
    unfit: message === undefined ? undefined : rejection("unsuitable", "cert", message),
    advice: adviceOn({
      chain,
      anchors: anchors?.advised ?? [],
      ...present({ unlabelled: anchors?.unlabelled, role }),
      accepts,
      now,
    }),
  };
}
