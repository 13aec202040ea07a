/** What a rule does with a call that it matches. */
export type PolicyEffect = "allow" | "deny";

/**
 * What a claim has to be: equal to a text, number or boolean; a text that a glob matches (`*` stands
 * for any characters); or a list that has a member, or a text of words separated by spaces that has a
 * word (as `scope` in RFC 8693 §4.2).
 */
export type ClaimMatch =
  | string
  | number
  | boolean
  | { readonly glob: string }
  | { readonly has: string | number };

/** One rule of a {@linkcode Policy}. What is left out of it matches everything that its note says. */
export interface PolicyRule {
  /** Names the rule in errors and events. Default: `rule N`, counted from 1. */
  readonly name?: string | undefined;
  /** What it does with a call that it matches. */
  readonly effect: PolicyEffect;
  /**
   * Who calls: identity patterns as in `allow`, any of them, or `"anonymous"`: callers without a proven
   * identity and without a verified token. Default: everybody but the anonymous.
   */
  readonly who?: readonly string[] | undefined;
  /** What the caller's token claims, by dotted path, all of them. Default: anything. */
  readonly claims?: Readonly<Record<string, ClaimMatch>> | undefined;
  /**
   * What is called, any of them: names of routines (`math.add`) and of methods (`acme.v1.Echo/Say`), in
   * which `*` stands for any characters but `.` and `/`, and `**` for any at all. Default: everything.
   */
  readonly what?: readonly string[] | undefined;
  /** Tags that the call must ask for, all of them. Default: none. */
  readonly tags?: readonly string[] | undefined;
}

/** Who may call what: rules in order, of which the first that matches a call decides. */
export interface Policy {
  /** What becomes of a call that no rule matches. Default: `deny`. */
  readonly default?: PolicyEffect | undefined;
  /** The rules, in order. */
  readonly rules: readonly PolicyRule[];
}
