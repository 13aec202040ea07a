import { escapePeerText } from "../errors/mod.ts";

/** The reader of standard output has gone, as `head` does: nothing more can be printed. */
export class OutputClosed extends Error {
  override readonly name = "OutputClosed";
}

/** What a terminal may obey, or reorder a line by; the ends of lines are ours. */
const OBEYED = /[^\P{Cc}\n]|[\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * Prints a line to standard output, however long; waits for a slow reader. What a terminal would obey is escaped:
 * whatever the source of the text, it comes out as text.
 *
 * @throws {OutputClosed} If nobody reads any more.
 */
export function printLine(line: string): void {
  const bytes = new TextEncoder().encode(`${line.replace(OBEYED, (one) => escapePeerText(one))}\n`);
  try {
    for (let rest = bytes; rest.length > 0;) rest = rest.subarray(Deno.stdout.writeSync(rest));
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) throw new OutputClosed("output is closed");
    throw error;
  }
}
