import type { Option } from "commander";
import { switchFlag } from "./flag.ts";
import { jsonOf } from "./json_value.ts";
import { printLine } from "./print.ts";

/** How a command prints its result. */
export interface ResultFlags {
  readonly json?: boolean;
}

/** The flag of a command that prints for people on a terminal, and JSON elsewhere. */
export function jsonFlag(): Option {
  return switchFlag("--json", "print JSON lines on a terminal, too");
}

/** Prints a result: lines for a person on a terminal; elsewhere, or with `--json`, each value as a line of JSON. */
export function printResult(
  { json }: ResultFlags,
  readable: () => readonly string[],
  values: readonly unknown[],
): void {
  const isForPeople = json !== true && Deno.stdout.isTerminal();
  for (const line of isForPeople ? readable() : values.map(jsonOf)) printLine(line);
}
