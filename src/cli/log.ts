import {
  configure,
  getAnsiColorFormatter,
  getTextFormatter,
  jsonLinesFormatter,
  type LogLevel,
  type LogRecord,
  type TextFormatter,
} from "@logtape/logtape";
import type { Command } from "commander";
import { escapePeerText } from "../errors/mod.ts";
import { flag } from "./flag.ts";
import { plain } from "./plain_message.ts";

/** The flag that says how much is logged. */
export interface LogFlags {
  readonly logLevel: LogLevel;
}

const LEVELS: readonly LogLevel[] = ["debug", "info", "warning", "error", "fatal"];

/** Adds the log's flag to a command. */
export function withLogFlag(command: Command, level: LogLevel): Command {
  return command.addOption(
    flag("--log-level <LEVEL>", "how much is logged, to stderr").choices(LEVELS).default(level),
  );
}

/** Writes the log to stderr: one JSON object a line, or readable where a person looks on. */
export async function configureLog({ logLevel }: LogFlags): Promise<void> {
  const format = plain(Deno.stderr.isTerminal() ? readable(forPerson()) : jsonLinesFormatter);
  const encoder = new TextEncoder();
  await configure({
    sinks: { stderr: (record: LogRecord) => write(encoder.encode(format(record))) },
    loggers: [
      { category: "selvage", sinks: ["stderr"], lowestLevel: logLevel },
      // A person who calls in plaintext over the network is warned, however little else is logged.
      {
        category: ["selvage", "security"],
        sinks: ["stderr"],
        parentSinks: "override",
        lowestLevel: logLevel === "fatal" || logLevel === "error" ? "warning" : logLevel,
      },
      { category: ["logtape", "meta"], sinks: ["stderr"], lowestLevel: "error" },
    ],
  });
}

/** In colours, but where NO_COLOR is set (https://no-color.org). */
export function forPerson(noColor: boolean = Deno.noColor): TextFormatter {
  return noColor ? getTextFormatter() : getAnsiColorFormatter();
}

/** A person sees the stack of an error below its line; other programs find it under `stack`. */
export function readable(format: TextFormatter): TextFormatter {
  return (record) => {
    const { stack } = record.properties;
    if (typeof stack !== "string") return format(record);
    // The first lines of a stack repeat the message, which is in the line above.
    const frames = stack.split("\n").filter((line) => /^\s+at /.test(line));
    return format(record) + frames.map((line) => `${escapePeerText(line)}\n`).join("");
  };
}

function write(bytes: Uint8Array): void {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(Deno.stderr.writeSync(rest));
}
