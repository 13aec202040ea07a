import type { Command } from "commander";

/** Every command, however deep, leaves exiting to us and takes no colours from the environment. */
export function settled(command: Command): Command {
  for (const inner of command.commands) settled(inner);
  return command
    .exitOverride()
    .configureOutput({ getOutHasColors: () => false, getErrHasColors: () => false })
    .showSuggestionAfterError()
    .showHelpAfterError("(--help shows the flags)");
}
