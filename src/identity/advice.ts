import type { CertificateAdvice as Advice } from "../errors/mod.ts";
import { type Certificate, isSelfIssued } from "./certificate/certificate.ts";
import { type CertificateFault, certificateFault } from "./certificate/certificate_fault.ts";
import { summarize } from "./certificate/summary.ts";
import { commonNameAdvice } from "./common_name.ts";
import { issuerSetting } from "./issuer_settings.ts";
import { lifetimeAdvice } from "./lifetime_advice.ts";
import { advisedFaults, type ChainPlace } from "./path/advised.ts";
import { svidFault } from "./path/leaf_rules.ts";
import { bothRolesAdvice } from "./both_roles_advice.ts";
import type { IdentityPattern } from "./names/identity_pattern.ts";
import type { PeerRole } from "./path/peer_role.ts";
import { ruleText } from "./rule_text.ts";

/** How many trust domains are named. */
const SHOWN_DOMAINS = 5;

/** What advice is asked about. */
export interface AdviceQuestion {
  /** Our own chain as it is presented, leaf first. Default: none. */
  readonly chain?: readonly Certificate[] | undefined;
  /** The anchors. Default: none. */
  readonly anchors?: readonly Certificate[] | undefined;
  /** Roots of other trust domains, by domain, that were given without one. Default: none. */
  readonly unlabelled?: ReadonlyMap<string, Certificate>;
  /** What the owner of the chain is in its connections. Default: either. */
  readonly role?: PeerRole | undefined;
  /** Who the owner of the chain accepts at the other end. Default: not known. */
  readonly accepts?: readonly IdentityPattern[];
  /** The time, milliseconds since the epoch. */
  readonly now: number;
}

/** The advice on a chain and a bundle, each rule once a certificate, the leaf's first. */
export function adviceOn(
  { chain = [], anchors = [], unlabelled = new Map(), role, accepts = [], now }: AdviceQuestion,
): readonly Advice[] {
  const seen = new Set(anchors.map(({ fingerprint }) => fingerprint));
  const [leaf, ...others] = chain;
  return [
    ...leaf === undefined ? [] : [
      ...adviceIn(leaf, "leaf", advisedFaults(leaf, "leaf", role)),
      ...adviceIn(leaf, "leaf", svidAdvice(leaf)),
      ...adviceIn(leaf, "leaf", commonNameAdvice(leaf)),
      ...adviceIn(leaf, "leaf", bothRolesAdvice(leaf, accepts), false),
      ...adviceIn(leaf, "leaf", lifetimeAdvice(leaf, now), false),
    ],
    ...others.filter(({ fingerprint }) => !seen.has(fingerprint)).flatMap((authority) =>
      adviceIn(authority, "intermediate", advisedFaults(authority, "intermediate"))
    ),
    ...anchors.filter(({ fingerprint }) => fingerprint !== leaf?.fingerprint).flatMap((anchor) =>
      isUseless(anchor)
        ? adviceIn(anchor, "anchor", [USELESS_ANCHOR], false)
        : adviceIn(anchor, "anchor", advisedFaults(anchor, "anchor"))
    ),
    ...domainAdvice(unlabelled),
  ];
}

const USELESS_ANCHOR = certificateFault(
  "authority.not-one",
  "it is in the bundle and no authority's, so that no peer is trusted by it",
);

/** Whether no path can end here: one that its subject has signed is trusted as itself, without being an authority. */
function isUseless(anchor: Certificate): boolean {
  return anchor.extensions.basicConstraints?.ca !== true && !isSelfIssued(anchor);
}

/** What keeps a leaf from being known by its SPIFFE ID; a misspelt one is advised about as a name. */
function svidAdvice(leaf: Certificate): readonly CertificateFault[] {
  const fault = svidFault(leaf);
  return fault === undefined || fault.rule === "san.spiffe-id"
    ? []
    : [certificateFault(fault.rule, fault.found)];
}

/** One piece of advice for the whole bundle. */
function domainAdvice(unlabelled: ReadonlyMap<string, Certificate>): readonly Advice[] {
  const [first] = unlabelled.values();
  if (first === undefined) return [];
  const domains = [...unlabelled.keys()].sort().slice(0, SHOWN_DOMAINS).join(", ");
  const more = unlabelled.size > SHOWN_DOMAINS
    ? `, and ${unlabelled.size - SHOWN_DOMAINS} more`
    : "";
  const found = `the bundle without a trust domain holds roots of others: ${domains}${more}`;
  return adviceIn(first, "anchor", [certificateFault("anchor.domain", found)], false);
}

function adviceIn(
  certificate: Certificate,
  place: ChainPlace,
  faults: readonly CertificateFault[],
  refusedIfStrict = true,
): readonly Advice[] {
  return faults.map(({ rule, found }) => ({
    rule,
    found,
    ...ruleText(rule),
    setting: issuerSetting(rule, certificate),
    refusedIfStrict,
    certificate: summarize(certificate),
    place,
  }));
}
