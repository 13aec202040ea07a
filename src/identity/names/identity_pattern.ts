import { unusable } from "../../errors/mod.ts";
import { isHostName, MAX_HOST_NAME } from "./host_name.ts";
import { formatAddress, parseAddress } from "./ip_address.ts";
import { isSegment, isTrustDomain } from "./spiffe_id.ts";

/** One part of a SPIFFE or URI pattern's path. */
export type PatternSegment =
  | { readonly kind: "literal"; readonly text: string }
  | { readonly kind: "one" }
  | { readonly kind: "many" };

/** Which names are expected: one entry of `identity` or `allow`, parsed. */
export type IdentityPattern =
  /** `"*"`: any name the anchors vouch for; of SPIFFE IDs those of the local trust domain. */
  | { readonly kind: "any"; readonly text: string }
  /** A SPIFFE ID whose path may hold `*` (one segment) and `**` (any number). */
  | {
    readonly kind: "spiffe";
    readonly text: string;
    readonly trustDomain: string;
    readonly segments: readonly PatternSegment[];
  }
  /** `dns:*.pool.internal` or a bare host name. */
  | { readonly kind: "dns"; readonly text: string; readonly labels: readonly string[] }
  /** `ip:10.1.2.3` or a bare address. */
  | { readonly kind: "ip"; readonly text: string; readonly address: string }
  /** Any other URI: `prefix` is all before the path, or the whole of one that has no `//`. */
  | {
    readonly kind: "uri";
    readonly text: string;
    readonly prefix: string;
    readonly segments: readonly PatternSegment[];
  }
  /** `cn:build-agent`, clients only. */
  | { readonly kind: "cn"; readonly text: string; readonly commonName: string };

/** How a pattern is read. */
export interface PatternOptions {
  /** Whether the pattern is about clients, the only peers a `cn:` pattern may name. Default false. */
  readonly clients?: boolean;
  /** The option or flag the pattern was written in, for the error. Default `identity`. */
  readonly setting?: string;
}

const MAX_PATTERN = 2048;

/**
 * Reads one identity pattern.
 *
 * @throws {ConfigurationError} where the text is blank or no pattern.
 */
export function parsePattern(text: string, options: PatternOptions = {}): IdentityPattern {
  const setting = options.setting ?? "identity";
  const refuse = (why: string): never => {
    throw unusable(setting, `${JSON.stringify(text.slice(0, 256))} ${why}`);
  };
  if (text.trim() === "") return refuse("is blank; an identity names a peer");
  if (text.trim() !== text) return refuse("has white space around it");
  if (text.length > MAX_PATTERN) return refuse(`is longer than ${MAX_PATTERN} characters`);
  if (text === "*") return { kind: "any", text };
  const meant = nearlyMeant(text);
  if (meant !== undefined) return refuse(`is no identity pattern: write ${JSON.stringify(meant)}`);
  if (text.startsWith("spiffe://")) return spiffePattern(text) ?? refuse(SPIFFE_SYNTAX);
  if (text.startsWith("uri:")) return uriPattern(text) ?? refuse(URI_SYNTAX);
  if (text.startsWith("ip:")) {
    return ipPattern(text, text.slice(3)) ?? refuse("is not an IP address");
  }
  if (text.startsWith("dns:")) return dnsPattern(text, text.slice(4)) ?? refuse(DNS_SYNTAX);
  if (text.startsWith("cn:")) {
    if (options.clients !== true) return refuse("names a common name, which only clients may have");
    const commonName = text.slice(3);
    if (commonName === "" || commonName.includes("*")) {
      return refuse("must hold the whole common name, without wildcards");
    }
    return { kind: "cn", text, commonName };
  }
  return ipPattern(text, text) ?? dnsPattern(text, text) ?? refuse(PATTERN_SYNTAX);
}

/**
 * Reads a list of patterns, any of which may match.
 *
 * @throws {ConfigurationError} where the list is empty or an entry is no pattern.
 */
export function parsePatterns(
  texts: string | readonly string[],
  options: PatternOptions = {},
): readonly IdentityPattern[] {
  const list = typeof texts === "string" ? [texts] : texts;
  if (list.length === 0) {
    const setting = options.setting ?? "identity";
    throw unusable(setting, `${setting} is empty; it would match no peer`);
  }
  return list.map((text) => parsePattern(text, options));
}

const SPIFFE_SYNTAX =
  "is not a SPIFFE pattern: a lower-case trust domain, then segments of letters, digits and . _ -, `*` or `**`";
const URI_SYNTAX =
  "is not a URI pattern: `uri:` and an absolute URI, `*` and `**` only as whole segments";
const DNS_SYNTAX =
  "is not a host name: labels of letters, digits and hyphens, `*` for a whole label";
const PATTERN_SYNTAX =
  'is not an identity: expected `spiffe://…`, a host name, `dns:…`, an IP address, `ip:…`, `uri:…` or "*"';

/** The pattern that a text misses by its spelling alone: it is suggested, never assumed. */
function nearlyMeant(text: string): string | undefined {
  const spiffe = /^(?:(?:uri|dns|san):)?spiffe:\/*([^/]+)(.*?)\/?$/i.exec(text);
  if (spiffe !== null) {
    const [, domain = "", path = ""] = spiffe;
    const meant = `spiffe://${domain.toLowerCase()}${path}`;
    return meant !== text && spiffePattern(meant) !== undefined ? meant : undefined;
  }
  const url = /^[a-z][a-z0-9+.-]*:\/\/[^/]/.exec(text);
  if (url !== null && uriPattern(`uri:${text}`) !== undefined) return `uri:${text}`;
  const [, kind = "", rest = ""] = /^(dns|ip|uri|cn)[:=]\s*(.+)$/i.exec(text) ?? [];
  const prefixed = `${kind.toLowerCase()}:${rest}`;
  return kind !== "" && prefixed !== text ? prefixed : undefined;
}

function spiffePattern(text: string): IdentityPattern | undefined {
  const [trustDomain = "", ...parts] = text.slice("spiffe://".length).split("/");
  if (!isTrustDomain(trustDomain)) return undefined;
  const segments = parts.map(patternSegment);
  const sound = segments.every((segment) => segment.kind !== "literal" || isSegment(segment.text));
  return sound ? { kind: "spiffe", text, trustDomain, segments } : undefined;
}

function uriPattern(text: string): IdentityPattern | undefined {
  const uri = text.slice("uri:".length);
  const parts = /^([a-z][a-z0-9+.-]*:\/\/[^/?#*]*)(\/.*)$/.exec(uri);
  if (!/^[a-z][a-z0-9+.-]*:[\x21-\x7e]+$/.test(uri) || uri.startsWith("spiffe:")) return undefined;
  const [, prefix, path] = parts ?? [];
  if (prefix === undefined || path === undefined) {
    return uri.includes("*") ? undefined : { kind: "uri", text, prefix: uri, segments: [] };
  }
  const segments = path.slice(1).split("/").map(patternSegment);
  const sound = segments.every((one) => one.kind !== "literal" || !one.text.includes("*"));
  return sound ? { kind: "uri", text, prefix, segments } : undefined;
}

function patternSegment(text: string): PatternSegment {
  if (text === "*") return { kind: "one" };
  if (text === "**") return { kind: "many" };
  return { kind: "literal", text };
}

function ipPattern(text: string, address: string): IdentityPattern | undefined {
  const bytes = parseAddress(address);
  return bytes === undefined ? undefined : { kind: "ip", text, address: formatAddress(bytes) };
}

function dnsPattern(text: string, written: string): IdentityPattern | undefined {
  // The final dot of a name that is looked up in no search domain is no part of a certificate's.
  const name = written.replace(/\.$/, "");
  if (name !== written && parseAddress(name) !== undefined) return undefined;
  const labels = name.toLowerCase().split(".");
  // A wildcard stands for a label of some host; one that stands for every label names no host.
  const host = labels.map((label) => label === "*" ? "x" : label).join(".");
  const literal = labels.some((label) => label !== "*");
  // An underscore, which no host name has, is matched to the letter.
  return literal && name.length <= MAX_HOST_NAME && isHostName(host.replaceAll("_", "x"))
    ? { kind: "dns", text, labels }
    : undefined;
}
