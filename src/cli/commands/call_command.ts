import { createClient } from "@connectrpc/connect";
import { Command } from "commander";
import { type CallOptions, type DuplexRoutine, type Routine, routine } from "../../contract/mod.ts";
import type { Dispatcher } from "../../dispatch/mod.ts";
import { unusable } from "../../errors/mod.ts";
import { WorkerService } from "../../gen/mod.ts";
import {
  type CallerFlags,
  type FleetFlags,
  fleetOptions,
  openDispatcher,
  withCallerFlags,
  withFleetFlags,
} from "../caller_flags.ts";
import { exitCodeOf } from "../failure.ts";
import { reportFailure } from "../failure_line.ts";
import { countFlag, switchFlag } from "../flag.ts";
import { jsonOf } from "../json_value.ts";
import { printLine } from "../print.ts";
import { LinesWithResults } from "./bad_line.ts";
import { inputFor } from "./call_input.ts";
import { load, renderLoad } from "./load.ts";

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
    .addOption(countFlag("--repeat <N>", "call so many times, and print a load report instead", 1))
    .addOption(countFlag("--concurrency <N>", "with --repeat: calls at once", 1, "1"))
    .addOption(switchFlag("--json", "with --repeat: print the report as one JSON object"))
    .addHelpText("after", EXAMPLES)
    // They are refused below, where the list that was meant is shown.
    .allowExcessArguments();
  return withFleetFlags(withCallerFlags(command, "either", "30s")).action(call);
}

const EXAMPLES = `
Examples:
  selvage call math.add '[1,2]' --endpoint 127.0.0.1:8443 \\
    --ca ca.pem --cert client.pem --key client.key --identity spiffe://example.org/worker
  selvage call math.primes '[100]' --stream --discover dns:math.internal:8443
  selvage call math.add '[1,2]' --repeat 1000 --concurrency 64 --endpoint 127.0.0.1:8443
  printf '1\\n2\\n' | selvage call math.tally '[0]' --stream --endpoint 127.0.0.1:8443
`;

interface CallFlags extends CallerFlags, FleetFlags {
  readonly stream?: boolean;
  readonly repeat?: number;
  readonly concurrency?: number;
  readonly json?: boolean;
}

type AnyFunction = (...args: unknown[]) => unknown;

/** How long a worker may take to describe itself, in milliseconds, where no --timeout says. */
const DESCRIBE_TIMEOUT_MS = 30_000;

async function call(
  name: string,
  json: string,
  flags: CallFlags,
  { args: given }: Command,
): Promise<void> {
  if (given.length > 2) throw notOneList(given.slice(1));
  const args = parseArguments(json);
  const called = routineNamed(name);
  refuseStrayFlags(flags);
  await using dispatcher = await openDispatcher(flags, "either", fleetOptions(flags));
  const options: CallOptions = { timeoutMs: flags.timeout };
  if (flags.stream === true) {
    const input = await inputFor(dispatcher, name, flags.timeout ?? DESCRIBE_TIMEOUT_MS);
    const duplex = called as unknown as DuplexRoutine<
      (input: AsyncIterable<unknown>) => AsyncIterable<unknown>
    >;
    const lines = new LinesWithResults(input);
    for await (const item of dispatcher.duplex(duplex, lines.input(), args as never, options)) {
      printLine(jsonOf(item));
      lines.printed();
    }
    lines.end();
  } else {
    const unary = called as unknown as Routine<() => unknown, "unary">;
    const once = (signal?: AbortSignal) =>
      dispatcher.call(unary, args as never, { ...options, signal });
    if (flags.repeat === undefined) printLine(jsonOf(await once()));
    else await repeat(dispatcher, once, { ...flags, repeat: flags.repeat });
  }
}

function refuseStrayFlags({ repeat, stream, concurrency, json }: CallFlags): void {
  if (repeat !== undefined && stream === true) {
    throw unusable("--repeat", "--repeat is for routines that answer once, not for --stream");
  }
  if (repeat !== undefined) return;
  const stray = [
    ["--concurrency", concurrency, ""],
    ["--json", json, "; results are JSON without it"],
  ] as const;
  for (const [setting, given, hint] of stray) {
    if (given === undefined) continue;
    throw unusable(setting, `${setting} belongs to --repeat, which is missing${hint}`);
  }
}

async function repeat(
  dispatcher: Dispatcher,
  once: (signal: AbortSignal) => Promise<unknown>,
  { repeat, concurrency = 1, json = false, timeout }: CallFlags & { readonly repeat: number },
): Promise<void> {
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort();
  // The handshake is no part of what is measured; where it fails, that is the command's own failure.
  await createClient(WorkerService, dispatcher.transport).describe({}, {
    timeoutMs: timeout ?? DESCRIBE_TIMEOUT_MS,
  });
  Deno.addSignalListener("SIGINT", interrupt);
  const { signal } = interrupted;
  const { report, worst } = await load(() => once(signal), { repeat, concurrency, signal });
  Deno.removeSignalListener("SIGINT", interrupt);
  printLine(json ? jsonOf(report) : renderLoad(report));
  if (worst === undefined) return;
  reportFailure(worst);
  Deno.exitCode = exitCodeOf(worst);
}

function routineNamed(name: string): Routine<AnyFunction> {
  try {
    return routine<AnyFunction>(name);
  } catch (cause) {
    throw unusable("ROUTINE", (cause as Error).message, cause);
  }
}

/** The error where arguments were given one by one; it shows the list of them. */
function notOneList(given: readonly string[]): Error {
  const values = given.map((one) => parse(one) === undefined ? JSON.stringify(one) : one);
  // A shell would end the argument at a quote.
  const list = `[${values.join(",").replaceAll("'", "\\u0027")}]`;
  const [first = "", second = ""] = given;
  const found = Array.isArray(parse(first))
    ? `; ${JSON.stringify(second)} after it belongs to no flag: leave it out, or write '${list}'`
    : `: '${list}'`;
  return unusable("JSON-ARGUMENTS", `JSON-ARGUMENTS is one argument, a JSON array${found}`);
}

function parseArguments(json: string): readonly unknown[] {
  const args = parse(json);
  if (Array.isArray(args)) return args;
  throw unusable(
    "JSON-ARGUMENTS",
    `JSON-ARGUMENTS is the argument list, a JSON array such as [1,2], not ${JSON.stringify(json)}`,
  );
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined; // reported as invalid by the caller
  }
}
