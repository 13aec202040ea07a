import { Command } from "commander";
import type { WorkerSnapshot } from "../../contract/mod.ts";
import { NoWorkersAvailable, SelvageError } from "../../errors/mod.ts";
import { type CallerFlags, openDispatcher, withCallerFlags } from "../caller_flags.ts";
import { failureOf } from "../failure.ts";
import { jsonFlag, printResult, type ResultFlags } from "../result.ts";
import { alignedTable } from "../table.ts";
import { left } from "../top/top_view.ts";

/** `selvage workers`: who is found, and whether each can be proven. */
export function workersCommand(): Command {
  const command = new Command("workers").description(
    "print the workers that discovery finds: a table on a terminal, one JSON line each elsewhere",
  ).addOption(jsonFlag())
    .addHelpText("after", EXAMPLES);
  return withCallerFlags(command, "discover", "2s").action(workers);
}

const EXAMPLES = `
Examples:
  selvage workers --discover dns:math.internal:8443 --ca ca.pem --cert me.pem --key me.key
  selvage workers --discover k8s:pool/math:8443 --identity spiffe://example.org/ns/pool/sa/math \\
    --spiffe-socket /run/spire/agent.sock
`;

async function workers(flags: CallerFlags & ResultFlags): Promise<void> {
  await using dispatcher = await openDispatcher(flags, "discover");
  // So that every worker is dialled; the line of each holds its own failure.
  const all = Number.MAX_SAFE_INTEGER;
  const failure = await dispatcher.ready({ min: all, timeoutMs: flags.timeout ?? 2_000 })
    .then(() => undefined, (error) => error);
  if (failure !== undefined && !(failure instanceof SelvageError)) throw failure;
  const found = dispatcher.workers();
  if (found.length === 0) throw failure ?? new NoWorkersAvailable("discovery found no worker");
  printResult(flags, () => tableOf(found, Date.now()), found.map(lineOf));
  // Where none can be called, the exit code says so, too.
  const anyReady = found.some(({ state }) => state === "ready");
  if (!anyReady && failure !== undefined) throw failure;
}

/** The workers as a person reads them. */
export function tableOf(workers: readonly WorkerSnapshot[], now: number): readonly string[] {
  return alignedTable(
    ["WORKER", "IDENTITY", "STATE", "TAGS", "CERTIFICATE", "PROBLEM"],
    workers.map(({ address, identity, state, tags, certificateEnds, lastFailure }) => [
      address,
      identity ?? "-",
      state,
      tags.join(",") || "-",
      left(certificateEnds, now),
      state === "ready" || lastFailure === undefined ? "" : lastFailure.message,
    ]),
  );
}

function lineOf({ lastFailure, ...worker }: WorkerSnapshot): object {
  return {
    ...worker,
    ...(lastFailure === undefined ? {} : { lastFailure: failureOf(lastFailure) }),
  };
}
