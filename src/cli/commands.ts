import type { Command } from "commander";
import { callCommand } from "./commands/call_command.ts";
import { certsCommand } from "./commands/certs_command.ts";
import { configCommand } from "./config/config_command.ts";
import { withConfigFlag } from "./config/config_flag.ts";
import { leavesOf } from "./config/leaves.ts";
import { describeCommand } from "./commands/describe_command.ts";
import { doctorCommand } from "./doctor/doctor_command.ts";
import { healthCommand } from "./commands/health_command.ts";
import { permissionsCommand } from "./commands/permissions_command.ts";
import { policyCommand } from "./commands/policy_command.ts";
import { rehearseCommand } from "./commands/rehearse_command.ts";
import { settled } from "./settled.ts";
import { topCommand } from "./top/top_command.ts";
import { workerCommand } from "./commands/worker_command.ts";
import { workersCommand } from "./commands/workers_command.ts";

/** Every command, each freshly made. */
export function allCommands(): readonly Command[] {
  const others = [configCommand(configurable), permissionsCommand(configurable)];
  return [...configurable(), ...others.map(settled)];
}

/** The commands that have settings of their own. */
export function configurable(): readonly Command[] {
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
  for (const leaf of leaves) withConfigFlag(leaf, () => leaves);
  return made;
}
