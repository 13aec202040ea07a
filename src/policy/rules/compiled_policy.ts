import type { IdentityPattern } from "../../identity/mod.ts";
import { claimsMatch } from "./claims.ts";
import { explainDecision, type PolicyExplanation, whoMatches } from "./explain.ts";
import type { NameGlob } from "./glob.ts";
import type { PolicyDecision, PolicySubject, PolicyTarget } from "./decision.ts";
import type { ReadPolicy, ReadRule } from "./read_policy.ts";

/** Names whose rules are kept; a worker serves fewer. */
const MAX_NAMES = 4_096;
/** Names that are kept for one subject, of which a worker may have one for each connection. */
const MAX_NAMES_OF_SUBJECT = 512;
/** Callers choose names: longer ones, in characters, are looked up each time. */
const MAX_KEPT_LENGTH = 256;

/** The rules that hold the same globs, or none. */
interface GlobbedRules {
  readonly what: readonly NameGlob[] | undefined;
  readonly rules: RuleSet;
}

/** A policy made ready: each name finds its rules once, each subject its decision about a name once. */
export class CompiledPolicy {
  /** How many rules it has. */
  readonly rules: number;
  readonly #policy: ReadPolicy;
  readonly #byDefault: PolicyDecision;
  readonly #exact = new Map<string, RuleSet>();
  readonly #globbed = new Map<string, GlobbedRules>();
  /** Callers choose names, also ones that nothing is served under: what is kept of each holds no rules of its own. */
  readonly #selections = new Map<string, Selection>();
  /** Decisions that depend on nothing but who calls and the name; one subject serves all calls of a connection and a token. */
  readonly #decided = new WeakMap<PolicySubject, Map<string, PolicyDecision>>();

  constructor(policy: ReadPolicy) {
    this.#policy = policy;
    this.rules = policy.rules.length;
    this.#byDefault = policy.allowsByDefault
      ? { allowed: true, rule: "default-allow" }
      : { allowed: false, rule: "default-deny" };
    for (const [index, rule] of policy.rules.entries()) this.#place(index, rule);
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
    if (target.name.length > MAX_KEPT_LENGTH) return decision;
    if (decided.size >= MAX_NAMES_OF_SUBJECT) decided.clear();
    decided.set(target.name, decision);
    return decision;
  }

  /** Why it decides as it does, rule by rule; takes time that grows with the number of rules. */
  explain(subject: PolicySubject, target: PolicyTarget): PolicyExplanation {
    return explainDecision(this.#policy, subject, target);
  }

  #judge({ sets }: Selection, subject: PolicySubject, target: PolicyTarget): PolicyDecision {
    let first = Infinity;
    for (const set of sets) first = set.firstMatch(subject, target, first);
    return first === Infinity ? this.#byDefault : decisionOf(this.#policy.rules[first]!);
  }

  #place(index: number, rule: ReadRule): void {
    const { what } = rule;
    if (what === undefined || what.some(({ exact }) => exact === undefined)) {
      const key = what?.map(({ text }) => text).join() ?? "";
      let found = this.#globbed.get(key);
      if (found === undefined) this.#globbed.set(key, found = { what, rules: new RuleSet() });
      found.rules.add(index, rule);
      return;
    }
    for (const { exact } of what) {
      let found = this.#exact.get(exact!);
      if (found === undefined) this.#exact.set(exact!, found = new RuleSet());
      found.add(index, rule);
    }
  }

  /** The rules that a call of that name may match. */
  #select(name: string): Selection {
    const known = this.#selections.get(name);
    if (known !== undefined) return known;
    const exact = this.#exact.get(name);
    const sets = exact === undefined ? [] : [exact];
    for (const { what, rules } of this.#globbed.values()) {
      if (what === undefined || what.some((glob) => glob.matches(name))) sets.push(rules);
    }
    const selection = { sets, readsTags: sets.some(({ readsTags }) => readsTags) };
    if (name.length > MAX_KEPT_LENGTH) return selection;
    if (this.#selections.size >= MAX_NAMES) this.#selections.clear();
    this.#selections.set(name, selection);
    return selection;
  }
}

/** The rules of one name, in sets that other names share. */
interface Selection {
  readonly sets: readonly RuleSet[];
  readonly readsTags: boolean;
}

/** Rules about the same names, in order. */
class RuleSet {
  /** The first rule that names exactly this SPIFFE ID and asks for nothing more. */
  readonly #ofSpiffeId = new Map<string, number>();
  readonly #others: { readonly index: number; readonly rule: ReadRule }[] = [];
  #readsTags = false;
  #last = -1;

  /** Whether one of them asks for tags. */
  get readsTags(): boolean {
    return this.#readsTags;
  }

  /** Adds a rule behind the others; the last one once more changes nothing. */
  add(index: number, rule: ReadRule): void {
    if (index === this.#last) return;
    this.#last = index;
    const ids = exactIds(rule);
    if (ids === undefined) this.#others.push({ index, rule });
    else {
      for (const id of ids) if (!this.#ofSpiffeId.has(id)) this.#ofSpiffeId.set(id, index);
    }
    this.#readsTags ||= rule.tags.length > 0;
  }

  /** The place of the first rule that matches, where that is before `limit`; else `limit`. */
  firstMatch(subject: PolicySubject, target: PolicyTarget, limit: number): number {
    const exact = this.#ofSpiffeId.get(subject.identity?.spiffeId?.text ?? "") ?? Infinity;
    const end = Math.min(exact, limit);
    for (const { index, rule } of this.#others) {
      if (index > end) break;
      if (ruleMatches(rule, subject, target)) return index;
    }
    return end;
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
