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
  );
  return withCallerFlags(command, "discover").action(workers);
}

async function workers(flags: CallerFlags): Promise<void> {
  await using dispatcher = await openDispatcher(flags, "discover");
  // Every one is dialled for this many to become ready; how each fares, its own line tells.
  await dispatcher.ready({ min: Number.MAX_SAFE_INTEGER, timeoutMs: flags.timeout ?? 2_000 })
    .catch((error) => {
      if (!(error instanceof SelvageError)) throw error;
    });
  const found = dispatcher.workers();
  if (found.length === 0) throw new NoWorkersAvailable("discovery found no worker");
  for (const worker of found) console.log(jsonOf(lineOf(worker)));
}

function lineOf({ lastFailure, ...worker }: WorkerSnapshot): object {
  return {
    ...worker,
    ...(lastFailure === undefined ? {} : { lastFailure: failureOf(lastFailure) }),
  };
}
