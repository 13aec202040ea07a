import { Command, CommanderError } from "commander";
import { callCommand } from "./commands/call_command.ts";
import { certsCommand } from "./commands/certs_command.ts";
import { applyConfig } from "./config/apply_config.ts";
import { configCommand } from "./config/config_command.ts";
import { readConfig } from "./config/config_file.ts";
import { leavesOf } from "./config/leaves.ts";
import { describeCommand } from "./commands/describe_command.ts";
import { doctorCommand } from "./doctor/doctor_command.ts";
import { ExitCode } from "./exit_code.ts";
import { exitCodeOf, failureOf } from "./failure.ts";
import { flag } from "./flag.ts";
import { healthCommand } from "./commands/health_command.ts";
import { jsonOf } from "./json_value.ts";
import { OutputClosed } from "./print.ts";
import { permissionsCommand } from "./commands/permissions_command.ts";
import { policyCommand } from "./commands/policy_command.ts";
import { errorBehind } from "./transport_error.ts";
import { rehearseCommand } from "./commands/rehearse_command.ts";
import { topCommand } from "./top/top_command.ts";
import { workerCommand } from "./commands/worker_command.ts";
import { workersCommand } from "./commands/workers_command.ts";

/**
 * Runs the command.
 *
 * @param args What follows `selvage`.
 * @returns The exit code.
 */
export async function run(args: readonly string[]): Promise<ExitCode> {
  try {
    const command = program();
    const given = args.length === 0 ? ["--help"] : askedOfKnown(command, args);
    await command.parseAsync(given, { from: "user" });
    return Deno.exitCode as ExitCode;
  } catch (error) {
    // Commander has already said what is wrong with the command line, or shown the help.
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? ExitCode.done : ExitCode.usage;
    }
    if (error instanceof OutputClosed) return ExitCode.done;
    const known = errorBehind(error);
    console.error(jsonOf(failureOf(known)));
    return exitCodeOf(known);
  }
}

/**
 * Help is of a command that there is: of any other the parser would show the help of the group, as
 * if that were the answer. Without the question it says that the command is unknown.
 */
function askedOfKnown(command: Command, args: readonly string[]): string[] {
  let group = command;
  const names = args[0] === "help" ? args.slice(1) : args;
  for (const name of names) {
    if (name.startsWith("-") || group.commands.length === 0) break;
    const inner = group.commands.find((one) => one.name() === name);
    if (inner === undefined) return names.filter((arg) => arg !== "--help" && arg !== "-h");
    group = inner;
  }
  return [...args];
}

function program(): Command {
  const program = new Command("selvage")
    .description("workers and calls over mutual TLS, for Deno")
    .version("0.1.0")
    .addHelpText("after", EXIT_CODES)
    .enablePositionalOptions();
  const others = [configCommand(commands), permissionsCommand(commands)];
  for (const command of [...commands(), ...others]) {
    program.addCommand(command);
  }
  return settled(program);
}

const EXIT_CODES = `
Exit codes:
  0  done                           4  a handshake failed
  1  the routine threw              5  not authenticated or not allowed
  2  wrong command line or file     6  a worker is down, or overloaded
  3  no workers were found          7  the deadline passed

selvage COMMAND --help shows the flags of a command.
`;

function commands(): readonly Command[] {
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
function settled(command: Command): Command {
  for (const inner of command.commands) settled(inner);
  return command
    .exitOverride()
    .configureOutput({ getOutHasColors: () => false, getErrHasColors: () => false })
    .showSuggestionAfterError()
    .showHelpAfterError("(--help shows the flags)");
}
