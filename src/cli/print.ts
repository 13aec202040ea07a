/** The reader of standard output has gone, as `head` does: nothing more can be printed. */
export class OutputClosed extends Error {
  override readonly name = "OutputClosed";
}

/**
 * Prints a line to standard output, however long; waits for a slow reader.
 *
 * @throws {OutputClosed} If nobody reads any more.
 */
export function printLine(line: string): void {
  const bytes = new TextEncoder().encode(`${line}\n`);
  try {
    for (let rest = bytes; rest.length > 0;) rest = rest.subarray(Deno.stdout.writeSync(rest));
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) throw new OutputClosed("output is closed");
    throw error;
  }
}
