import type { Command } from "commander";
import { callCommand } from "./commands/call_command.ts";
import { certsCommand } from "./commands/certs_command.ts";
import { applyConfig } from "./config/apply_config.ts";
import { configCommand } from "./config/config_command.ts";
import { readConfig } from "./config/config_file.ts";
import { leavesOf } from "./config/leaves.ts";
import { describeCommand } from "./commands/describe_command.ts";
import { doctorCommand } from "./doctor/doctor_command.ts";
import { flag } from "./flag.ts";
import { healthCommand } from "./commands/health_command.ts";
import { permissionsCommand } from "./commands/permissions_command.ts";
import { policyCommand } from "./commands/policy_command.ts";
import { rehearseCommand } from "./commands/rehearse_command.ts";
import { topCommand } from "./top/top_command.ts";
import { workerCommand } from "./commands/worker_command.ts";
import { workersCommand } from "./commands/workers_command.ts";

/** Every command, each freshly made. */
export function allCommands(): readonly Command[] {
  const others = [configCommand(configurable), permissionsCommand(configurable)];
  return [...configurable(), ...others.map(settled)];
}

/** The commands that have settings of their own. */
function configurable(): readonly Command[] {
  const made = [
    workerCommand(),
    callCommand(),
    workersCommand(),
    describeCommand(),
    healthCommand(),
    doctorCommand(),
    certsCommand(),
    policyCommand(),
    rehearseCommand(),
    topCommand(),
  ].map(settled);
  const leaves = leavesOf(made);
  for (const { name, command } of leaves) {
    command.addOption(flag("--config <FILE>", "settings of flags, JSON with comments"));
    command.hook("preAction", async () => {
      const { config } = command.opts<{ readonly config?: string }>();
      if (config !== undefined) applyConfig(command, name, await readConfig(config, leaves));
    });
  }
  return made;
}

/** Every command, however deep, leaves exiting to us and takes no colours from the environment. */
export function settled(command: Command): Command {
  for (const inner of command.commands) settled(inner);
  return command
    .exitOverride()
    .configureOutput({ getOutHasColors: () => false, getErrHasColors: () => false })
    .showSuggestionAfterError()
    .showHelpAfterError("(--help shows the flags)");
}
