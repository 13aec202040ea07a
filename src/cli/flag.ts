import { type Command, InvalidArgumentError, Option } from "commander";
import { unusable } from "../errors/mod.ts";
import { parseDuration, parseTimeout } from "./duration.ts";

/** Adds flags to a command, in the order in which help shows them. */
export function withFlags(command: Command, ...flags: readonly Option[]): Command {
  for (const flag of flags) command.addOption(flag);
  return command;
}

/**
 * A flag that an environment variable can set too: `--drain-grace` is `SELVAGE_DRAIN_GRACE`.
 *
 * @param flags The flag as help shows it, `--listen <HOST:PORT>` for instance.
 * @param implied What happens without it, as a person would write it or in words, where that is not a value of its
 * own; help and `selvage config check` show it.
 */
export function flag(flags: string, description: string, implied?: string): Option {
  const option = new Option(
    flags,
    implied === undefined ? description : `${description} (default: ${implied})`,
  );
  if (implied !== undefined) IMPLIED.set(option, implied);
  const variable = variableOf(option);
  // Where a command may not read the environment, no variable is set.
  if (mayRead(variable)) option.env(variable);
  return option;
}

/**
 * A flag without a value. Its variable is `1` or `0`: a variable that is set and empty must not be
 * taken for either.
 *
 * @throws {ConfigurationError} If the variable is set to anything else.
 */
export function switchFlag(flags: string, description: string): Option {
  const option = new Option(flags, description);
  const variable = variableOf(option);
  const value = mayRead(variable) ? Deno.env.get(variable) : undefined;
  if (value === "1") return option.env(variable);
  if (value !== undefined && value !== "0") {
    throw unusable(variable, `${variable} is 1 or 0, not ${JSON.stringify(value)}`);
  }
  // To commander any value means that the flag is given.
  option.description += ` (env: ${variable})`;
  return option;
}

/** A flag that may be given again; its variable holds several with commas between. */
export function listFlag(flags: string, description: string, implied?: string): Option {
  const option = flag(flags, description, implied);
  LISTS.add(option);
  return option.argParser((value: string, previous?: readonly string[]) => [
    ...(previous ?? []),
    ...value.split(",").map((part) => part.trim()),
  ]);
}

const LISTS = new WeakSet<Option>();
const LEAST = new WeakMap<Option, number>();
const TIMEOUTS = new WeakSet<Option>();
const IMPLIED = new WeakMap<Option, string>();

/** What a flag takes. */
export type FlagKind = "switch" | "list" | "count" | "timeout" | "path" | "paths" | "text";

/** What a flag takes, as its placeholder and its maker say. */
export function kindOf(option: Option): FlagKind {
  if (option.isBoolean()) return "switch";
  const isPath = /<(FILE|PATH|DIR)>/.test(option.flags);
  if (LISTS.has(option)) return isPath ? "paths" : "list";
  if (LEAST.has(option)) return "count";
  if (TIMEOUTS.has(option)) return "timeout";
  return isPath ? "path" : "text";
}

/** A flag that takes a whole number from `least`. */
export function countFlag(
  flags: string,
  description: string,
  least: number,
  implied?: string,
): Option {
  const option = flag(flags, description, implied);
  LEAST.set(option, least);
  return option.argParser((text: string) => {
    const count = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(count) && count >= least) return count;
    throw new InvalidArgumentError(`It takes a whole number from ${least}.`);
  });
}

/** The least that a flag of a count takes. */
export function leastOf(option: Option): number {
  return LEAST.get(option) ?? 0;
}

/** The environment variable of a flag. */
export function variableOf(option: Option): string {
  return `SELVAGE_${option.name().toUpperCase().replaceAll("-", "_")}`;
}

function mayRead(variable: string): boolean {
  return Deno.permissions.querySync({ name: "env", variable }).state === "granted";
}

/** A flag that takes a duration, in milliseconds once parsed. */
export function durationFlag(flags: string, description: string, implied?: string): Option {
  return flag(flags, description, implied).argParser(parseDuration);
}

/** `--timeout`: a duration or whole milliseconds, in milliseconds once parsed. */
export function timeoutFlag(description: string, implied?: string): Option {
  const what = `${description}: 5s, 250ms, or milliseconds`;
  const option = flag("--timeout <DURATION>", what, implied);
  TIMEOUTS.add(option);
  return option.argParser(parseTimeout);
}

/** What happens without a flag, in words; `undefined` where its absence means nothing. */
export function defaultOf(option: Option): string | undefined {
  return IMPLIED.get(option);
}
