/** The characters of names that are called, and of what may stand for them. */
const GLOB = /^[A-Za-z0-9_.*/-]+$/;

/** A glob over names, as a policy's `what` holds it. */
export interface NameGlob {
  /** The name itself where the glob has no wildcard. */
  readonly exact: string | undefined;
  /** Whether a name matches. */
  matches(name: string): boolean;
}

/**
 * Reads a glob: `*` stands for any characters but `.` and `/`, `**` for any at all.
 *
 * @returns The glob, or `undefined` where the text cannot be one.
 */
export function readGlob(text: string): NameGlob | undefined {
  if (!GLOB.test(text) || /\*{3}/.test(text)) return undefined;
  if (!text.includes("*")) return { exact: text, matches: (name) => name === text };
  const parts = text.split(/(\*\*|\*)/);
  return { exact: undefined, matches: (name) => matchParts(parts, name) };
}

/** Whether a text matches a glob in which `*` stands for any characters. */
export function matchesText(glob: string, text: string): boolean {
  return matchParts(glob.split(/(\*)/).map((part) => part === "*" ? "**" : part), text);
}

/**
 * Matches literals and wildcards against a text in time that grows with their product: which ends of
 * the text each prefix of the parts can reach, part by part.
 */
function matchParts(parts: readonly string[], text: string): boolean {
  let reached = new Set([0]);
  for (const part of parts) {
    const next = new Set<number>();
    for (const at of reached) {
      if (part === "**") { for (let end = at; end <= text.length; end++) next.add(end); }
      else if (part === "*") {
        let end = at;
        next.add(end);
        while (end < text.length && text[end] !== "." && text[end] !== "/") next.add(++end);
      } else if (text.startsWith(part, at)) next.add(at + part.length);
    }
    if (next.size === 0) return false;
    reached = next;
  }
  return reached.has(text.length);
}
