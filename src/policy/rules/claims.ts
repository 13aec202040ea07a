import type { Claims } from "../token/authenticator.ts";
import { matchesText } from "./glob.ts";
import type { ClaimMatch } from "./policy.ts";

/** Whether claims hold what a rule asks for, at every path. */
export function claimsMatch(
  wanted: Readonly<Record<string, ClaimMatch>>,
  claims: Claims | undefined,
): boolean {
  if (claims === undefined) return false;
  return Object.entries(wanted).every(([path, match]) =>
    claimMatches(match, claimAt(claims, path))
  );
}

function claimMatches(match: ClaimMatch, found: unknown): boolean {
  if (typeof match !== "object") return found === match;
  if ("glob" in match) return typeof found === "string" && matchesText(match.glob, found);
  if (Array.isArray(found)) return found.includes(match.has);
  return typeof found === "string" && found.split(" ").includes(String(match.has));
}

/** A claim by its name, which may hold dots, else by its dotted path. */
function claimAt(claims: Claims, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  let at: unknown = claims;
  for (const name of path.split(".")) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, name)) return undefined;
    at = (at as Record<string, unknown>)[name];
  }
  return at;
}
