import { Command } from "commander";
import type { WorkerSnapshot } from "../../contract/mod.ts";
import { NoWorkersAvailable, SelvageError } from "../../errors/mod.ts";
import { type CallerFlags, openDispatcher, withCallerFlags } from "../caller_flags.ts";
import { failureOf } from "../failure.ts";
import { jsonOf } from "../json_value.ts";

/** `selvage workers`: who is found, and whether each can be proven. */
export function workersCommand(): Command {
  const command = new Command("workers").description(
    "print the workers that discovery finds, one JSON line each",
  ).addHelpText("after", EXAMPLES);
  return withCallerFlags(command, "discover", "2s").action(workers);
}

const EXAMPLES = `
Examples:
  selvage workers --discover dns:math.internal:8443 --ca ca.pem --cert me.pem --key me.key
  selvage workers --discover k8s:pool/math:8443 --identity spiffe://example.org/ns/pool/sa/math \\
    --spiffe-socket /run/spire/agent.sock
`;

async function workers(flags: CallerFlags): Promise<void> {
  await using dispatcher = await openDispatcher(flags, "discover");
  // So that every worker is dialled; the line of each holds its own failure.
  const all = Number.MAX_SAFE_INTEGER;
  const failure = await dispatcher.ready({ min: all, timeoutMs: flags.timeout ?? 2_000 })
    .then(() => undefined, (error) => error);
  if (failure !== undefined && !(failure instanceof SelvageError)) throw failure;
  const found = dispatcher.workers();
  if (found.length === 0) throw failure ?? new NoWorkersAvailable("discovery found no worker");
  for (const worker of found) console.log(jsonOf(lineOf(worker)));
  // Where none can be called, the exit code says so, too.
  const anyReady = found.some(({ state }) => state === "ready");
  if (!anyReady && failure !== undefined) throw failure;
}

function lineOf({ lastFailure, ...worker }: WorkerSnapshot): object {
  return {
    ...worker,
    ...(lastFailure === undefined ? {} : { lastFailure: failureOf(lastFailure) }),
  };
}
