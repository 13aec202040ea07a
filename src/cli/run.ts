import { Command, CommanderError } from "commander";
import { workerCommand } from "./commands/worker_command.ts";
import { withConfigFlag } from "./config/config_flag.ts";
import { leavesOf } from "./config/leaves.ts";
import { ExitCode } from "./exit_code.ts";
import { exitCodeOf } from "./failure.ts";
import { reportFailure } from "./failure_line.ts";
import { OutputClosed } from "./print.ts";
import { settled } from "./settled.ts";
import { errorBehind } from "./transport_error.ts";

/** Runs the command with what follows `selvage` on its line. */
export async function run(args: readonly string[]): Promise<ExitCode> {
  try {
    const command = program(await commandsFor(args));
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
    reportFailure(known);
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
  // The parser's own help command knows the first name alone.
  return args[0] === "help" && names.length > 1 ? [...names, "--help"] : [...args];
}

/** A worker runs for long, so that it does without the other commands and what they load: 2 MiB. */
async function commandsFor([name]: readonly string[]): Promise<readonly Command[]> {
  if (name !== "worker") return (await import("./commands.ts")).allCommands();
  const command = settled(workerCommand());
  withConfigFlag({ name, command }, async () => {
    const { configurable } = await import("./commands.ts");
    return leavesOf(configurable());
  });
  return [command];
}

function program(commands: readonly Command[]): Command {
  const program = new Command("selvage")
    .description("workers and calls over mutual TLS, for Deno")
    .version("0.1.0")
    .addHelpText("after", EXIT_CODES)
    .enablePositionalOptions();
  for (const command of commands) program.addCommand(command);
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
