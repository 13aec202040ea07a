import { Command } from "commander";
import { type CallOptions, type DuplexRoutine, type Routine, routine } from "../../contract/mod.ts";
import { ConfigurationError } from "../../errors/mod.ts";
import { type CallerFlags, openDispatcher, withCallerFlags } from "../caller_flags.ts";
import { switchFlag } from "../flag.ts";
import { jsonOf } from "../json_value.ts";
import { printLine } from "../print.ts";
import { inputFor } from "./call_input.ts";

/** `selvage call`: calls one routine and prints its result. */
export function callCommand(): Command {
  const command = new Command("call")
    .description("call a routine and print its result as JSON")
    .argument("<ROUTINE>", "its name, math.add for instance")
    .argument("[JSON-ARGUMENTS]", "its argument list, a JSON array", "[]")
    .addOption(switchFlag(
      "--stream",
      "the routine streams: print one line an item; a duplex routine reads its input items from " +
        "standard input, one JSON value a line",
    ))
    .addHelpText("after", EXAMPLES);
  return withCallerFlags(command, "either").action(call);
}

const EXAMPLES = `
Examples:
  selvage call math.add '[1,2]' --endpoint 127.0.0.1:8443 \\
    --ca ca.pem --cert client.pem --key client.key --identity spiffe://example.org/worker
  selvage call math.primes '[100]' --stream --discover dns:math.internal:8443
  printf '1\\n2\\n' | selvage call math.tally '[0]' --stream --endpoint 127.0.0.1:8443
`;

interface CallFlags extends CallerFlags {
  readonly stream?: boolean;
}

type AnyFunction = (...args: unknown[]) => unknown;

/** How long a worker may take to describe itself, in milliseconds, where no --timeout says. */
const DESCRIBE_TIMEOUT_MS = 30_000;

async function call(name: string, json: string, flags: CallFlags): Promise<void> {
  const args = parseArguments(json);
  const called = routineNamed(name);
  await using dispatcher = await openDispatcher(flags, "either");
  const options: CallOptions = { timeoutMs: flags.timeout };
  if (flags.stream === true) {
    const input = await inputFor(dispatcher, name, flags.timeout ?? DESCRIBE_TIMEOUT_MS);
    const duplex = called as unknown as DuplexRoutine<
      (input: AsyncIterable<unknown>) => AsyncIterable<unknown>
    >;
    for await (const item of dispatcher.duplex(duplex, input, args as never, options)) {
      printLine(jsonOf(item));
    }
  } else {
    const unary = called as unknown as Routine<() => unknown, "unary">;
    printLine(jsonOf(await dispatcher.call(unary, args as never, options)));
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
