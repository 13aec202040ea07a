import { type ConfigurationError, unusable } from "../../errors/mod.ts";
import { type Claims, parseJsonc } from "../../policy/mod.ts";

/** One call, and what must become of it. */
export interface PolicyCase {
  /** Who calls: a name as patterns write it, or `anonymous`. */
  readonly as: string;
  /** A routine's name, or `package.Service/Method`. */
  readonly routine: string;
  /** What the caller's verified token claims. Default: no token. */
  readonly claims: Claims | undefined;
  /** The tags that the call asks for. Default: none. */
  readonly tags: readonly string[];
  /** What must become of it. */
  readonly expect: "allow" | "deny";
  /** The rule that must decide. Default: any. */
  readonly rule: string | undefined;
}

const KEYS = ["as", "routine", "claims", "tags", "expect", "rule"];

/**
 * Reads a table of cases, JSON with comments.
 *
 * @param file The file's name, for the errors.
 * @throws {ConfigurationError} where it is not a list of cases, or empty: a table without cases proves nothing.
 */
export function readCases(text: string, file: string): readonly PolicyCase[] {
  const value = parseJsonc(text, file, "CASES");
  if (!Array.isArray(value) || value.length === 0) {
    throw wrong(file, "must hold a list of at least one case");
  }
  return value.map((one, index) => readCase(one, `${file}: case ${index + 1}`));
}

function readCase(value: unknown, place: string): PolicyCase {
  if (typeof value !== "object" || value === null) throw wrong(place, "must be an object");
  const one = value as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(one).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) {
    throw wrong(
      place,
      `has the unknown key ${JSON.stringify(unknown)}; expected ${KEYS.join(", ")}`,
    );
  }
  const { as, routine, claims, tags = [], expect, rule } = one;
  if (typeof as !== "string") throw wrong(place, "needs `as`, the caller's name or anonymous");
  if (typeof routine !== "string") throw wrong(place, "needs `routine`, the name that is called");
  if (expect !== "allow" && expect !== "deny") {
    throw wrong(place, 'needs `expect`, "allow" or "deny"');
  }
  if (rule !== undefined && typeof rule !== "string") throw wrong(place, "`rule` must be a name");
  if (!Array.isArray(tags) || !tags.every((tag) => typeof tag === "string")) {
    throw wrong(place, "`tags` must be a list of texts");
  }
  if (claims !== undefined && (typeof claims !== "object" || claims === null)) {
    throw wrong(place, "`claims` must be an object");
  }
  return { as, routine, claims: claims as Claims | undefined, tags, expect, rule };
}

function wrong(place: string, why: string): ConfigurationError {
  return unusable("CASES", `${place} ${why}`);
}
