import { Command } from "commander";
import { type CallOptions, type Routine, routine } from "../../contract/mod.ts";
import { ConfigurationError } from "../../errors/mod.ts";
import { type CallerFlags, openDispatcher, withCallerFlags } from "../caller_flags.ts";
import { switchFlag } from "../flag.ts";
import { jsonOf } from "../json_value.ts";

/** `selvage call`: calls one routine and prints what it answers. */
export function callCommand(): Command {
  const command = new Command("call")
    .description("call a routine and print its result as JSON")
    .argument("<ROUTINE>", "its name, math.add for instance")
    .argument("[JSON-ARGUMENTS]", "its argument list, a JSON array", "[]")
    .addOption(switchFlag("--stream", "the routine streams: print one line an item"));
  return withCallerFlags(command, "either").action(call);
}

interface CallFlags extends CallerFlags {
  readonly stream?: boolean;
}

type AnyFunction = (...args: unknown[]) => unknown;

async function call(name: string, json: string, flags: CallFlags): Promise<void> {
  const args = parseArguments(json);
  const called = routineNamed(name);
  await using dispatcher = await openDispatcher(flags, "either");
  const options: CallOptions = { timeoutMs: flags.timeout };
  if (flags.stream === true) {
    const stream = called as unknown as Routine<() => AsyncIterable<unknown>, "stream">;
    for await (const item of dispatcher.stream(stream, args as never, options)) {
      console.log(jsonOf(item));
    }
  } else {
    const unary = called as unknown as Routine<() => unknown, "unary">;
    console.log(jsonOf(await dispatcher.call(unary, args as never, options)));
  }
}

function routineNamed(name: string): Routine<AnyFunction> {
  try {
    return routine<AnyFunction>(name);
  } catch (cause) {
    throw new ConfigurationError((cause as Error).message, { setting: "ROUTINE", cause });
  }
}

function parseArguments(json: string): readonly unknown[] {
  const args = parse(json);
  if (Array.isArray(args)) return args;
  throw new ConfigurationError(
    `JSON-ARGUMENTS is the argument list, a JSON array such as [1,2], not ${JSON.stringify(json)}`,
    { setting: "JSON-ARGUMENTS" },
  );
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined; // reported as invalid by the caller
  }
}
