import { unusable } from "../../errors/mod.ts";
import { type IdentityPattern, parsePattern } from "../../identity/mod.ts";
import { type NameGlob, readGlob } from "./glob.ts";
import type { ClaimMatch, PolicyEffect } from "./policy.ts";

/** The word in `who` for callers without a proven identity and without a verified token. */
const ANONYMOUS = "anonymous";

/** The most rules of a policy. */
const MAX_RULES = 100_000;

/** A rule as it was read. */
export interface ReadRule {
  readonly name: string;
  readonly allows: boolean;
  /** Patterns of identities; `undefined` matches every caller that is not anonymous. */
  readonly who: readonly IdentityPattern[] | undefined;
  readonly anonymous: boolean;
  readonly claims: Readonly<Record<string, ClaimMatch>> | undefined;
  readonly what: readonly NameGlob[] | undefined;
  readonly tags: readonly string[];
}

/** A policy as it was read. */
export interface ReadPolicy {
  readonly allowsByDefault: boolean;
  readonly rules: readonly ReadRule[];
}

/** How a policy is read. */
export interface ReadPolicyOptions {
  /** Whether the worker verifies tokens, so that rules may ask for claims. */
  readonly claims: boolean;
}

/**
 * Reads a policy, from code or from a file: every key, name and pattern is checked.
 *
 * @throws {ConfigurationError} with `setting: "policy"` and the place of what is wrong in its message.
 */
export function readPolicy(value: unknown, options: ReadPolicyOptions): ReadPolicy {
  const policy = asObject(value, "the policy");
  knownKeys(policy, ["$schema", "default", "rules"], "the policy");
  const fallback = policy["default"];
  if (!Array.isArray(policy["rules"])) refuse("rules", "has to be a list of rules");
  const rules = policy["rules"] as readonly unknown[];
  if (rules.length > MAX_RULES) {
    refuse("rules", `holds ${rules.length} rules, at most ${MAX_RULES}`);
  }
  const read = rules.map((rule, index) => readRule(rule, index, options));
  uniqueNames(read);
  return {
    allowsByDefault: fallback === undefined ? false : effectOf(fallback, "default") === "allow",
    rules: read,
  };
}

/** Denials are reported by the rule's name, so it must say which one. */
function uniqueNames(rules: readonly ReadRule[]): void {
  const names = new Set<string>();
  for (const { name } of rules) {
    if (names.has(name)) refuse("rules", `names two rules ${JSON.stringify(name)}`);
    names.add(name);
  }
}

function readRule(value: unknown, index: number, options: ReadPolicyOptions): ReadRule {
  const place = `rules[${index}]`;
  const rule = asObject(value, place);
  knownKeys(rule, ["name", "effect", "who", "claims", "what", "tags"], place);
  const name = rule["name"] ?? `rule ${index + 1}`;
  if (typeof name !== "string" || name === "" || name.length > 128) {
    refuse(`${place}.name`, "has to be a text of 1 to 128 characters");
  }
  const who = rule["who"] === undefined ? undefined : textsOf(rule["who"], `${place}.who`);
  const claims = rule["claims"] === undefined ? undefined : claimsOf(rule["claims"], place);
  if (claims !== undefined && !options.claims) {
    refuse(
      `${place}.claims`,
      "asks for claims, but this worker verifies no tokens: set authenticate, which a worker started in code has, or leave claims out",
    );
  }
  return {
    name: name as string,
    allows: effectOf(rule["effect"], `${place}.effect`) === "allow",
    who: who?.filter((text) => text !== ANONYMOUS).map((text) =>
      parsePattern(text, { clients: true, setting: "policy" })
    ),
    anonymous: who?.includes(ANONYMOUS) ?? false,
    claims,
    what: rule["what"] === undefined ? undefined : globsOf(rule["what"], `${place}.what`),
    tags: rule["tags"] === undefined ? [] : textsOf(rule["tags"], `${place}.tags`),
  };
}

function globsOf(value: unknown, place: string): readonly NameGlob[] {
  return textsOf(value, place).map((text) =>
    readGlob(text) ?? refuse(
      place,
      `holds ${JSON.stringify(text)}, expected the name of a routine or of a method ` +
        "(`package.Service/Method`), with `*` or `**` in it",
    )
  );
}

function claimsOf(value: unknown, rule: string): Readonly<Record<string, ClaimMatch>> {
  const place = `${rule}.claims`;
  const claims = asObject(value, place);
  if (Object.keys(claims).length === 0) refuse(place, "is empty: leave it out to match any claims");
  for (const [path, match] of Object.entries(claims)) {
    if (["string", "number", "boolean"].includes(typeof match)) continue;
    const one = asObject(match, `${place}.${path}`);
    knownKeys(one, ["glob", "has"], `${place}.${path}`);
    const { glob, has } = one;
    const sound = glob === undefined
      ? typeof has === "string" || typeof has === "number"
      : typeof glob === "string" && has === undefined;
    if (!sound) {
      refuse(
        `${place}.${path}`,
        'has to be a value, { "glob": text } or { "has": text or number }',
      );
    }
  }
  return claims as Readonly<Record<string, ClaimMatch>>;
}

function textsOf(value: unknown, place: string): readonly string[] {
  if (!Array.isArray(value)) refuse(place, "has to be a list");
  const list = value as readonly unknown[];
  if (list.length === 0) {
    const all = place.endsWith(".who") ? "every caller that is not anonymous" : "any";
    refuse(place, `is empty: leave it out to match ${all}`);
  }
  for (const text of list) {
    if (typeof text !== "string" || text === "") {
      refuse(place, "has to hold texts that are not empty");
    }
  }
  return list as readonly string[];
}

function effectOf(value: unknown, place: string): PolicyEffect {
  if (value === "allow" || value === "deny") return value;
  return refuse(place, `is ${JSON.stringify(value)}, expected "allow" or "deny"`);
}

function asObject(value: unknown, place: string): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  return refuse(place, "has to be an object");
}

function knownKeys(object: object, known: readonly string[], place: string): void {
  for (const key of Object.keys(object)) {
    if (known.includes(key)) continue;
    refuse(place, `has the unknown key ${JSON.stringify(key)}; expected ${known.join(", ")}`);
  }
}

function refuse(place: string, why: string): never {
  throw unusable("policy", `policy: ${place} ${why}`);
}
