import { Command, type Option } from "commander";
import { unknownCommand } from "../unknown_command.ts";
import { defaultOf, flag, switchFlag, variableOf } from "../flag.ts";
import { jsonOf } from "../json_value.ts";
import { printLine } from "../print.ts";
import { CONFIG_SOURCE } from "./apply_config.ts";
import { CONFIG_FLAG, readConfig } from "./config_file.ts";
import { configSchema } from "./config_schema.ts";
import { type Leaf, leavesOf } from "./leaves.ts";

/** `selvage config`: which settings are in effect, and why. */
export function configCommand(commands: () => readonly Command[]): Command {
  const config = new Command("config").description("which settings are in effect, and why")
    .enablePositionalOptions();
  config.command("check")
    .description("print each setting of a command, its value, and where that comes from")
    .argument("[COMMAND...]", "the command, with the flags it will be run with")
    .addOption(flag("--config <FILE>", "the file of settings, JSON with comments"))
    .addOption(switchFlag("--json", "print one JSON object"))
    .allowUnknownOption()
    .passThroughOptions()
    .addHelpText("after", EXAMPLES)
    .action((args: readonly string[], flags: CheckFlags) => check(commands(), args, flags));
  config.command("schema").description("print the JSON schema of a file of settings")
    .addHelpText("after", SCHEMA_EXAMPLES)
    .action(() => printLine(JSON.stringify(configSchema(leavesOf(commands())), undefined, 2)));
  return config;
}

const EXAMPLES = `
Examples:
  selvage config check --config selvage.jsonc
  selvage config check worker math.ts --listen 0.0.0.0:8443

A file of settings, named by --config or SELVAGE_CONFIG:
  {
    "ca": "ca.pem", "cert": "me.pem", "key": "me.key",  // for every command; paths as of this file
    "commands": { "worker": { "allow": ["spiffe://example.org/client/*"], "drainGrace": "10s" } }
  }
A flag is used over its variable, and that over the file.
`;

const SCHEMA_EXAMPLES = `
Examples:
  selvage config schema > config.schema.json
`;

interface CheckFlags {
  readonly config?: string;
  readonly json?: boolean;
}

async function check(
  commands: readonly Command[],
  args: readonly string[],
  { config, json = false }: CheckFlags,
): Promise<void> {
  const leaves = leavesOf(commands);
  if (config !== undefined) await readConfig(config, leaves);
  const named = config === undefined ? [] : [CONFIG_FLAG, config];
  const checked = args.length === 0 ? leaves : [leafOf(leaves, args)];
  const found: { readonly command: string; readonly settings: readonly Setting[] }[] = [];
  for (const { name, command } of checked) {
    const own = args.slice(name.split(" ").length);
    const settings = await settingsInEffect(command, [...own, ...named]);
    // Without a command only what is set is of interest.
    const shown = args.length === 0
      ? settings.filter(({ source }) => source === "file" || source === "variable")
      : settings;
    if (args.length > 0 || shown.length > 0) found.push({ command: name, settings: shown });
  }
  if (json) return printLine(jsonOf({ commands: found }));
  if (found.length === 0) return printLine("nothing is set by a variable or a file");
  for (const { command, settings } of found) {
    printLine(command);
    for (const line of table(settings)) printLine(`  ${line}`);
  }
}

function leafOf(leaves: readonly Leaf[], args: readonly string[]): Leaf {
  const leaf = leaves.find(({ name }) => `${args.join(" ")} `.startsWith(`${name} `));
  if (leaf !== undefined) return leaf;
  throw unknownCommand(args[0], leaves.map(({ name }) => name));
}

/** A setting, its value, and where that comes from. */
interface Setting {
  readonly setting: string;
  /** What it is; a default that is no value of the flag's own is in words. */
  readonly value?: unknown;
  readonly source: "flag" | "variable" | "file" | "default" | "unset";
  /** What to change: the flag, the variable or the file. */
  readonly from?: string;
}

/** Parses a command's line as running it would, and runs nothing. */
async function settingsInEffect(
  command: Command,
  args: readonly string[],
): Promise<readonly Setting[]> {
  // Which settings there are does not depend on what the command is about.
  for (const argument of command.registeredArguments) argument.required = false;
  for (const option of command.options) option.mandatory = false;
  command.action(() => {});
  await command.parseAsync([...args], { from: "user" });
  const file = command.opts<{ readonly config?: string }>().config;
  return command.options.filter(({ long }) => long !== CONFIG_FLAG).map((option) =>
    settingOf(command, option, file)
  );
}

function settingOf(command: Command, option: Option, file: string | undefined): Setting {
  const setting = option.attributeName();
  const value = command.getOptionValue(setting);
  switch (command.getOptionValueSource(setting)) {
    case "cli":
      return { setting, value, source: "flag", from: option.long! };
    case "env":
      return { setting, value, source: "variable", from: variableOf(option) };
    case CONFIG_SOURCE:
      return { setting, value, source: "file", from: file! };
    case "default":
      return { setting, value: option.defaultValueDescription ?? value, source: "default" };
    default:
      return withoutValue(option);
  }
}

/** What a flag that nobody gives means: off for a switch, what help says for others. */
function withoutValue(option: Option): Setting {
  const setting = option.attributeName();
  if (option.isBoolean()) return { setting, value: false, source: "default" };
  const value = defaultOf(option);
  return value === undefined ? { setting, source: "unset" } : { setting, value, source: "default" };
}

function table(settings: readonly Setting[]): readonly string[] {
  const cells = settings.map(({ setting, value, source, from }) => [
    setting,
    source === "unset" ? "-" : typeof value === "string" ? value : jsonOf(value),
    from ?? source,
  ]);
  const width = (at: number) => Math.max(...cells.map((row) => row[at]!.length));
  const [first, second] = [width(0), Math.min(width(1), 40)];
  return cells.map(([a, b, c]) => `${a!.padEnd(first)}  ${b!.padEnd(second)}  ${c}`);
}
