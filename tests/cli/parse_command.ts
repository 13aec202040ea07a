import assert from "node:assert/strict";
import { allCommands } from "../../src/cli/commands.ts";
import { leavesOf } from "../../src/cli/config/leaves.ts";

/**
 * Parses what follows `selvage` as running it would, and runs nothing.
 *
 * @throws Where the command does not take it.
 */
export async function parseCommand(words: readonly string[]): Promise<void> {
  const command = allCommands().find((one) => one.name() === words[0]);
  assert.ok(command !== undefined, `there is no command ${words[0]}`);
  let ran = 0;
  for (const { command: leaf } of leavesOf([command])) leaf.action(() => void ran++);
  await command.parseAsync(words.slice(1), { from: "user" });
  assert.equal(ran, 1, words.join(" "));
}

/** The words of a line, as a shell splits them where it expands nothing. */
export function wordsOf(line: string): readonly string[] {
  return Array.from(line.matchAll(/'([^']*)'|(\S+)/g), ([, quoted, bare]) => quoted ?? bare!);
}
