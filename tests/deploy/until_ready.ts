import type { Journal } from "../support/journal.ts";

/**
 * The line in which a worker says that it is ready.
 *
 * @throws where it ends before, with what it has logged.
 */
export async function untilReady(
  { ended }: { readonly ended: Promise<unknown> },
  lines: Journal<string>,
  log: Journal<string>,
): Promise<string> {
  void ended.then(() => {
    lines.end();
    log.end();
  });
  return await lines.until((line) => line.includes('"event":"worker.ready"')).catch(() => {
    throw new Error(`it ended before it was ready:\n${log.entries.join("\n")}`);
  });
}
