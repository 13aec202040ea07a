import type { Command } from "commander";

/** A command that does something itself, and its full name: `certs issue` for instance. */
export interface Leaf {
  readonly name: string;
  readonly command: Command;
}

/** The commands that do something themselves, however deep. */
export function leavesOf(commands: readonly Command[], before = ""): readonly Leaf[] {
  return commands.flatMap((command) => {
    const name = before === "" ? command.name() : `${before} ${command.name()}`;
    return command.commands.length === 0 ? [{ name, command }] : leavesOf(command.commands, name);
  });
}
