import { dirname, resolve } from "node:path";
import { type Command, InvalidArgumentError, type Option } from "commander";
import { unusable } from "../../errors/mod.ts";
import { type FlagKind, kindOf } from "../flag.ts";
import { jsonOf } from "../json_value.ts";
import { CONFIG_FLAG, type ConfigFile } from "./config_file.ts";

/** The source of a value that comes from a file of settings. */
export const CONFIG_SOURCE = "config";

/**
 * Gives a command the settings of a file, where neither a flag nor a variable says otherwise.
 *
 * @param command The command, its own flags parsed.
 * @throws {ConfigurationError} If a value is not what its flag takes.
 */
export function applyConfig(command: Command, name: string, config: ConfigFile): void {
  const settings = { ...config.shared, ...config.commands[name] };
  for (const option of command.options) {
    const attribute = option.attributeName();
    if (option.long === CONFIG_FLAG || !Object.hasOwn(settings, attribute)) continue;
    const value = parsed(option, settings[attribute], config.path);
    const source = command.getOptionValueSource(attribute);
    if (source !== undefined && source !== "default") continue;
    command.setOptionValueWithSource(attribute, value, CONFIG_SOURCE);
  }
}

/** A value as the flag itself would have given it. */
function parsed(option: Option, value: unknown, path: string): unknown {
  const kind = kindOf(option);
  const setting = option.attributeName();
  const fault = (expected: string) =>
    unusable(setting, `${path}: ${setting} must be ${expected}, not ${shown(value)}`);
  if (kind === "switch") {
    if (typeof value === "boolean") return value ? true : undefined;
    throw fault("true or false");
  }
  // A path is relative to the file that holds it, wherever the command is run.
  const absolute = (file: string) => resolve(dirname(path), file);
  if (kind === "list" || kind === "paths") {
    const list = Array.isArray(value) ? value : [value];
    const whole = list.length > 0 && list.every((one) => typeof one === "string" && one !== "");
    if (whole) return kind === "list" ? list : list.map((file) => labelledFile(file, absolute));
    throw fault("a text, or a list of at least one, none of them empty");
  }
  const isDuration = kind === "text" && option.flags.includes("<DURATION>");
  const [isExpected, expected] = isDuration ? DURATION : EXPECTED[kind] ?? EXPECTED.text;
  if (!isExpected(value)) throw fault(expected);
  if (value === "") throw fault("a text that is not empty");
  const text = kind === "path" ? absolute(value as string) : String(value);
  try {
    return option.parseArg === undefined ? text : option.parseArg(text, undefined as never);
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    throw unusable(setting, `${path}: ${setting} is ${jsonOf(value)}. ${error.message}`);
  }
}

const isText = (value: unknown): boolean => typeof value === "string";
const isNumber = (value: unknown): boolean => typeof value === "number";

/** By what a flag takes: what JSON may hold, and its name. */
const EXPECTED: Partial<Record<FlagKind, readonly [(value: unknown) => boolean, string]>> & {
  readonly text: readonly [(value: unknown) => boolean, string];
} = {
  count: [isNumber, "a number"],
  timeout: [
    (value) => isText(value) || isNumber(value),
    'a duration such as "5s", or milliseconds as a number',
  ],
  text: [isText, "a text"],
};

const DURATION = [isText, 'a duration such as "5s"'] as const;

function shown(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  return typeof value === "object" && value !== null ? "an object" : jsonOf(value);
}

/** `FILE` or `LABEL=FILE` with the file's path made absolute; the public roots are no file. */
function labelledFile(text: string, absolute: (file: string) => string): string {
  if (text === "system") return text;
  const [label = ""] = /^[^/\\=\s]*=/.exec(text) ?? [];
  return label + absolute(text.slice(label.length));
}
