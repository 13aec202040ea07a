import { type IdentityPattern, matchesPeer } from "../../identity/mod.ts";
import { claimsMatch } from "./claims.ts";
import { explainDecision, type PolicyExplanation } from "./explain.ts";
import type { PolicyDecision, PolicySubject, PolicyTarget } from "./decision.ts";
import type { ReadPolicy, ReadRule } from "./read_policy.ts";

/** Names whose rules are kept, and names that are kept for one subject; a worker serves fewer. */
const MAX_KEPT = 4_096;

/** A policy made ready: each name finds its rules once, each subject its decision about a name once. */
export class CompiledPolicy {
  /** How many rules it has. */
  readonly rules: number;
  readonly #policy: ReadPolicy;
  readonly #byDefault: PolicyDecision;
  readonly #exact = new Map<string, number[]>();
  readonly #globs: number[] = [];
  readonly #selections = new Map<string, Selection>();
  /** Decisions that depend on nothing but who calls and the name; one subject serves all calls of a connection and a token. */
  readonly #decided = new WeakMap<PolicySubject, Map<string, PolicyDecision>>();

  constructor(policy: ReadPolicy) {
    this.#policy = policy;
    this.rules = policy.rules.length;
    this.#byDefault = policy.allowsByDefault
      ? { allowed: true, rule: "default-allow" }
      : { allowed: false, rule: "default-deny" };
    for (const [index, { what }] of policy.rules.entries()) this.#place(index, what);
  }

  /** Whether what is decided about calls of that name may depend on their tags. */
  readsTags(name: string): boolean {
    return this.#select(name).readsTags;
  }

  /** Decides: the first rule that matches, else the default. */
  decide(subject: PolicySubject, target: PolicyTarget): PolicyDecision {
    const selection = this.#select(target.name);
    if (selection.readsTags) return this.#judge(selection, subject, target);
    let decided = this.#decided.get(subject);
    if (decided === undefined) this.#decided.set(subject, decided = new Map());
    const known = decided.get(target.name);
    if (known !== undefined) return known;
    const decision = this.#judge(selection, subject, target);
    if (decided.size >= MAX_KEPT) decided.clear();
    decided.set(target.name, decision);
    return decision;
  }

  /** Why it decides as it does, rule by rule; takes time that grows with the number of rules. */
  explain(subject: PolicySubject, target: PolicyTarget): PolicyExplanation {
    return explainDecision(this.#policy, subject, target);
  }

  #judge(selection: Selection, subject: PolicySubject, target: PolicyTarget): PolicyDecision {
    const exact = selection.ofSpiffeId.get(subject.identity?.spiffeId?.text ?? "") ?? Infinity;
    for (const index of selection.others) {
      if (index > exact) break;
      const rule = this.#policy.rules[index]!;
      if (ruleMatches(rule, subject, target)) return decisionOf(rule);
    }
    return exact === Infinity ? this.#byDefault : decisionOf(this.#policy.rules[exact]!);
  }

  #place(index: number, what: ReadRule["what"]): void {
    if (what === undefined || what.some(({ exact }) => exact === undefined)) {
      this.#globs.push(index);
      return;
    }
    for (const { exact } of what) {
      const found = this.#exact.get(exact!);
      if (found === undefined) this.#exact.set(exact!, [index]);
      else if (found.at(-1) !== index) found.push(index);
    }
  }

  /** The rules that a call of that name may match. */
  #select(name: string): Selection {
    const known = this.#selections.get(name);
    if (known !== undefined) return known;
    const { rules } = this.#policy;
    const globs = this.#globs.filter((index) => {
      const { what } = rules[index]!;
      return what === undefined || what.some((glob) => glob.matches(name));
    });
    const indexes = [...this.#exact.get(name) ?? [], ...globs].sort((a, b) => a - b);
    const selection = new Selection(indexes, rules);
    if (this.#selections.size >= MAX_KEPT) this.#selections.clear();
    this.#selections.set(name, selection);
    return selection;
  }
}

/** The rules of one name. */
class Selection {
  /** The first rule that names exactly this SPIFFE ID and asks for nothing more. */
  readonly ofSpiffeId = new Map<string, number>();
  /** The others, in order. */
  readonly others: number[] = [];
  readonly readsTags: boolean;

  constructor(indexes: readonly number[], rules: readonly ReadRule[]) {
    for (const index of indexes) {
      const ids = exactIds(rules[index]!);
      if (ids === undefined) this.others.push(index);
      else for (const id of ids) if (!this.ofSpiffeId.has(id)) this.ofSpiffeId.set(id, index);
    }
    this.readsTags = indexes.some((index) => rules[index]!.tags.length > 0);
  }
}

/** The SPIFFE IDs of a rule that asks for one of them and for nothing more. */
function exactIds(
  { who, anonymous, claims, tags }: ReadRule,
): readonly string[] | undefined {
  if (who === undefined || anonymous || claims !== undefined || tags.length > 0) return undefined;
  return who.every(isExactSpiffe) ? who.map(({ text }) => text) : undefined;
}

function isExactSpiffe(pattern: IdentityPattern): boolean {
  return pattern.kind === "spiffe" && pattern.segments.every(({ kind }) => kind === "literal");
}

function ruleMatches(rule: ReadRule, subject: PolicySubject, { tags }: PolicyTarget): boolean {
  return whoMatches(rule, subject) && rule.tags.every((tag) => tags.includes(tag)) &&
    (rule.claims === undefined || claimsMatch(rule.claims, subject.claims));
}

function whoMatches({ who, anonymous }: ReadRule, { identity, claims }: PolicySubject): boolean {
  const isAnonymous = identity === undefined && claims === undefined;
  if (isAnonymous) return anonymous;
  if (who === undefined) return true;
  return identity !== undefined && who.some((pattern) => matchesPeer(pattern, identity));
}

/** Kept with its rule, so that a decision allocates nothing. */
const decisions = new WeakMap<ReadRule, PolicyDecision>();

function decisionOf(rule: ReadRule): PolicyDecision {
  let decision = decisions.get(rule);
  if (decision === undefined) {
    decision = { allowed: rule.allows, rule: rule.name };
    decisions.set(rule, decision);
  }
  return decision;
}
