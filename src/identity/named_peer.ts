import { unusable } from "../errors/mod.ts";
import { type IdentityPattern, parsePattern } from "./names/identity_pattern.ts";
import type { NamedPeer } from "./names/peer_identity.ts";
import { parseSpiffeId } from "./names/spiffe_id.ts";

/**
 * A peer as it would be with one name and nothing else in its certificate, to ask what patterns would say of it. It
 * proves nothing.
 *
 * @param text The name as patterns write it, without wildcards.
 * @throws {ConfigurationError} where the text is no such name.
 */
export function namedPeer(text: string, setting: string): NamedPeer {
  const pattern = parsePattern(text, { clients: true, setting });
  const name = exactName(pattern);
  if (name === undefined) {
    throw unusable(
      setting,
      `${JSON.stringify(text)} is a pattern; name one peer, without wildcards`,
    );
  }
  return {
    name,
    names: pattern.kind === "cn" ? [] : [name],
    spiffeId: pattern.kind === "spiffe" ? parseSpiffeId(name) : undefined,
    commonName: pattern.kind === "cn" ? pattern.commonName : undefined,
  };
}

function exactName(pattern: IdentityPattern): string | undefined {
  switch (pattern.kind) {
    case "any":
      return undefined;
    case "dns":
      return pattern.labels.includes("*") ? undefined : `dns:${pattern.labels.join(".")}`;
    case "ip":
      return `ip:${pattern.address}`;
    case "cn":
      return pattern.text;
    default:
      return pattern.segments.every(({ kind }) => kind === "literal") ? pattern.text : undefined;
  }
}
