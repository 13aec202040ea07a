import type { GeneralName } from "./certificate/general_name.ts";
import { formatGeneralName } from "./certificate/summary.ts";
import type { IdentityPattern, PatternSegment } from "./names/identity_pattern.ts";
import { formatAddress } from "./names/ip_address.ts";
import type { IdentityKind, NamedPeer } from "./names/peer_identity.ts";
import { isPublicSuffix } from "./names/public_suffix.ts";
import type { SpiffeId } from "./names/spiffe_id.ts";

/** The names a path proves: what its anchor vouches for, of all that the leaf claims. */
export interface ProvenNames {
  readonly names: readonly GeneralName[];
  readonly spiffeId: SpiffeId | undefined;
  /** Whether the SPIFFE ID belongs to our own trust domain. */
  readonly local: boolean;
  /** Only of a client, and only where there is exactly one. */
  readonly commonName: string | undefined;
}

/** The name under which a pattern matched, as patterns write it. */
export interface NameMatch {
  readonly kind: IdentityKind;
  readonly name: string;
}

/** The name that a pattern matches, among those that are proven. */
export function matchNames(pattern: IdentityPattern, proven: ProvenNames): NameMatch | undefined {
  switch (pattern.kind) {
    case "any":
      return matchAny(proven);
    case "spiffe":
      return proven.spiffeId !== undefined && isSpiffeMatch(pattern, proven.spiffeId)
        ? { kind: "spiffe", name: proven.spiffeId.text }
        : undefined;
    case "cn":
      return proven.commonName === pattern.commonName
        ? { kind: "cn", name: `cn:${pattern.commonName}` }
        : undefined;
    case "dns":
    case "ip":
    case "uri":
      return firstMatch(proven.names, (name) => matchName(pattern, name));
  }
}

/** Whether a pattern matches a peer that is already proven, under any of its names. */
export function matchesPeer(pattern: IdentityPattern, peer: NamedPeer): boolean {
  switch (pattern.kind) {
    case "any":
      return true;
    case "spiffe":
      return peer.spiffeId !== undefined && isSpiffeMatch(pattern, peer.spiffeId);
    case "cn":
      return peer.commonName === pattern.commonName;
    case "ip":
      return peer.names.includes(`ip:${pattern.address}`);
    case "dns":
      return peer.names.some((name) =>
        name.startsWith("dns:") && isHostMatch(pattern.labels, name.slice(4))
      );
    case "uri":
      return peer.names.some((name) =>
        name.startsWith("uri:") && isUriMatch(pattern, name.slice(4))
      );
  }
}

// `"*"` still names a peer: by its SPIFFE ID, which must then be local, or else by its first name.
function matchAny({ names, spiffeId, local, commonName }: ProvenNames): NameMatch | undefined {
  if (spiffeId !== undefined) return local ? { kind: "spiffe", name: spiffeId.text } : undefined;
  return firstMatch(names, plainMatch) ??
    (commonName === undefined ? undefined : { kind: "cn", name: `cn:${commonName}` });
}

function plainMatch(name: GeneralName): NameMatch | undefined {
  const { kind } = name;
  return kind === "dns" || kind === "ip" || kind === "uri" || kind === "email"
    ? { kind, name: formatGeneralName(name) }
    : undefined;
}

type HostOrUri = Extract<IdentityPattern, { kind: "dns" | "ip" | "uri" }>;

function matchName(pattern: HostOrUri, name: GeneralName): NameMatch | undefined {
  if (pattern.kind === "dns" && name.kind === "dns") {
    if (!isHostMatch(pattern.labels, name.name.toLowerCase())) return undefined;
    if (pattern.labels.includes("*")) return plainMatch(name);
    return { kind: "dns", name: `dns:${pattern.labels.join(".")}` };
  }
  const isMatch = pattern.kind === "ip" && name.kind === "ip"
    ? formatAddress(name.address) === pattern.address
    : pattern.kind === "uri" && name.kind === "uri" && name.spiffeId === undefined &&
      isUriMatch(pattern, name.uri);
  return isMatch ? plainMatch(name) : undefined;
}

/**
 * RFC 9525 §6.3: label by label, a presented wildcard standing for one whole left-most label.
 *
 * A pattern's `*` likewise stands for one label; under one, a presented wildcard matches too, since
 * all that it stands for would.
 */
function isHostMatch(labels: readonly string[], presented: string): boolean {
  const given = presented.split(".");
  if (given.length !== labels.length) return false;
  const wild = given[0] === "*";
  if (wild && (given.length < 3 || isPublicSuffix(given.slice(1).join(".")))) return false;
  return given.every((label, i) => labels[i] === "*" || label === labels[i] || (wild && i === 0));
}

function isSpiffeMatch(
  { trustDomain, segments }: Extract<IdentityPattern, { kind: "spiffe" }>,
  id: SpiffeId,
): boolean {
  return id.trustDomain === trustDomain && areSegmentsMatched(segments, id.segments);
}

function isUriMatch(
  { prefix, segments }: Extract<IdentityPattern, { kind: "uri" }>,
  uri: string,
): boolean {
  if (segments.length === 0) return uri === prefix;
  if (!uri.startsWith(`${prefix}/`)) return false;
  const given = uri.slice(prefix.length + 1).split("/");
  const exact = segments.every(({ kind }) => kind === "literal");
  // A wildcard stands for path segments: for no query, no fragment and no way up or aside.
  if (!exact && given.some((segment) => /[?#]|^\.{0,2}$/.test(segment))) return false;
  return areSegmentsMatched(segments, given);
}

/** Matches segments against a pattern with `*` and `**`, in time that grows with their product. */
function areSegmentsMatched(
  pattern: readonly PatternSegment[],
  segments: readonly string[],
): boolean {
  let at = 0;
  let resume: { readonly pattern: number; readonly at: number } | undefined;
  let p = 0;
  while (at < segments.length) {
    const part = pattern[p];
    if (part?.kind === "many") {
      resume = { pattern: ++p, at };
    } else if (part?.kind === "one" || (part?.kind === "literal" && part.text === segments[at])) {
      p++;
      at++;
    } else if (resume !== undefined) {
      // The last `**` takes one more; an earlier one never needs to.
      resume = { pattern: resume.pattern, at: resume.at + 1 };
      ({ pattern: p, at } = resume);
    } else return false;
  }
  return pattern.slice(p).every(({ kind }) => kind === "many");
}

function firstMatch(
  names: readonly GeneralName[],
  match: (name: GeneralName) => NameMatch | undefined,
): NameMatch | undefined {
  for (const name of names) {
    const found = match(name);
    if (found !== undefined) return found;
  }
  return undefined;
}
