/** The characters of names that are called, and of what may stand for them. */
const GLOB = /^[A-Za-z0-9_.*/-]+$/;

/** A glob over names, as a policy's `what` holds it. */
export interface NameGlob {
  /** As it was written. */
  readonly text: string;
  /** The name itself where the glob has no wildcard. */
  readonly exact: string | undefined;
  /** Whether a name matches. */
  matches(name: string): boolean;
}

/**
 * Reads a glob: `*` stands for any characters but `.` and `/`, `**` for any at all; `undefined` where the text cannot
 * be one.
 */
export function readGlob(text: string): NameGlob | undefined {
  if (!GLOB.test(text) || /\*{3}/.test(text)) return undefined;
  if (!text.includes("*")) return { text, exact: text, matches: (name) => name === text };
  const parts = text.split(/(\*\*|\*)/);
  const prefix = parts[0]!;
  const suffix = parts.at(-1)!;
  const between = parts.slice(1, -1).filter((part) => part !== "" && !part.startsWith("*"));
  // Most names are refused by these: with 10,000 globs the rest costs 40 ms a name, and these one.
  const mayMatch = (name: string) =>
    name.startsWith(prefix) && name.endsWith(suffix) &&
    between.every((part) => name.includes(part));
  return {
    text,
    exact: undefined,
    matches: (name) => mayMatch(name) && matchParts(parts, name),
  };
}

/** Whether a text matches a glob in which `*` stands for any characters. */
export function matchesText(glob: string, text: string): boolean {
  return matchParts(glob.split(/(\*)/).map((part) => part === "*" ? "**" : part), text);
}

/**
 * Matches literals and wildcards against a text: after each part, which ends of a prefix of the text it
 * can have reached. Takes time that grows with the product of both lengths.
 */
function matchParts(parts: readonly string[], text: string): boolean {
  let reached = new Uint8Array(text.length + 1);
  reached[0] = 1;
  for (const part of parts) {
    if (part === "**" || part === "*") spread(reached, text, part === "**");
    else reached = follow(reached, text, part);
  }
  return reached[text.length] === 1;
}

/** From each end that was reached, every later one is; without `far` only up to a `.` or `/`. */
function spread(reached: Uint8Array, text: string, far: boolean): void {
  for (let at = 0; at < text.length; at++) {
    if (reached[at] === 0) continue;
    if (far || (text[at] !== "." && text[at] !== "/")) reached[at + 1] = 1;
  }
}

function follow(reached: Uint8Array, text: string, literal: string): Uint8Array<ArrayBuffer> {
  const next = new Uint8Array(text.length + 1);
  for (let at = 0; at + literal.length <= text.length; at++) {
    if (reached[at] === 1 && text.startsWith(literal, at)) next[at + literal.length] = 1;
  }
  return next;
}
