import { matchesPeer } from "../../identity/mod.ts";
import { claimsMatch } from "./claims.ts";
import type { PolicyDecision, PolicySubject, PolicyTarget } from "./decision.ts";
import type { ReadPolicy, ReadRule } from "./read_policy.ts";
import { present } from "../../values/mod.ts";

/** A field of a rule that did not match a call. */
export type MismatchedField = "who" | "what" | "claims" | "tags";

/** A rule that was considered and did not match. */
export interface PassedRule {
  /** The rule's name. */
  readonly rule: string;
  /** The fields that did not match, in the order of the rule. */
  readonly mismatched: readonly MismatchedField[];
}

/** Why a policy decides about a call as it does. */
export interface PolicyExplanation extends PolicyDecision {
  /** The place of the deciding rule in `rules`, from 0; absent where the default decided. */
  readonly index?: number;
  /** The patterns and globs of the deciding rule that matched. */
  readonly matched: Readonly<Partial<Record<"who" | "what", string>>>;
  /** The rules before it, in order. */
  readonly passed: readonly PassedRule[];
}

/** Decides about a call rule by rule, without an index, and keeps why each rule did not match. */
export function explainDecision(
  { rules, allowsByDefault }: ReadPolicy,
  subject: PolicySubject,
  target: PolicyTarget,
): PolicyExplanation {
  const passed: PassedRule[] = [];
  for (const [index, rule] of rules.entries()) {
    const mismatched = mismatches(rule, subject, target);
    if (mismatched.length === 0) {
      return {
        allowed: rule.allows,
        rule: rule.name,
        index,
        matched: matchedBy(rule, subject, target),
        passed,
      };
    }
    passed.push({ rule: rule.name, mismatched });
  }
  const rule = allowsByDefault ? "default-allow" : "default-deny";
  return { allowed: allowsByDefault, rule, matched: {}, passed };
}

function mismatches(
  rule: ReadRule,
  subject: PolicySubject,
  target: PolicyTarget,
): readonly MismatchedField[] {
  const { what, claims, tags } = rule;
  const mismatched: MismatchedField[] = [];
  if (!whoMatches(rule, subject)) mismatched.push("who");
  if (what !== undefined && !what.some((glob) => glob.matches(target.name))) {
    mismatched.push("what");
  }
  if (claims !== undefined && !claimsMatch(claims, subject.claims)) mismatched.push("claims");
  if (!tags.every((tag) => target.tags.includes(tag))) mismatched.push("tags");
  return mismatched;
}

/** Whether a caller is among those that a rule is about. */
export function whoMatches(
  { who, anonymous }: ReadRule,
  { identity, claims }: PolicySubject,
): boolean {
  const isAnonymous = identity === undefined && claims === undefined;
  if (isAnonymous) return anonymous;
  if (who === undefined) return true;
  return identity !== undefined && who.some((pattern) => matchesPeer(pattern, identity));
}

function matchedBy(
  { who, what }: ReadRule,
  { identity }: PolicySubject,
  { name }: PolicyTarget,
): PolicyExplanation["matched"] {
  const pattern = identity && who?.find((one) => matchesPeer(one, identity))?.text;
  const glob = what?.find((one) => one.matches(name))?.text;
  return present({ who: pattern, what: glob });
}
