import { createClient } from "@connectrpc/connect";
import { Command } from "commander";
import {
  type DescribeResponse,
  type RoutineDescription,
  RoutineShape,
  WorkerService,
} from "../../gen/mod.ts";
import { type CallerFlags, openDispatcher, withCallerFlags } from "../caller_flags.ts";
import { jsonFlag, printResult, type ResultFlags } from "../result.ts";
import { alignedTable } from "../table.ts";
import { durationText, present } from "../../values/mod.ts";

/** `selvage describe`: what a worker serves. */
export function describeCommand(): Command {
  const command = new Command("describe").description(
    "print what a worker serves: a table on a terminal, one JSON line elsewhere",
  ).addOption(jsonFlag()).addHelpText("after", EXAMPLES);
  return withCallerFlags(command, "endpoint", "30s").action(describe);
}

const EXAMPLES = `
Examples:
  selvage describe --endpoint 127.0.0.1:8443
  selvage describe --endpoint math.internal:8443 --ca ca.pem --cert me.pem --key me.key
`;

async function describe(flags: CallerFlags & ResultFlags): Promise<void> {
  await using dispatcher = await openDispatcher(flags, "endpoint");
  const client = createClient(WorkerService, dispatcher.transport);
  const response = await client.describe({}, { timeoutMs: flags.timeout ?? 30_000 });
  const described = describedBy(response);
  printResult(flags, () => describedLines(described), [described]);
}

/** What a worker says of itself. */
function describedBy(
  { workerId, routines, services, tags, idleSeconds, inFlight }: DescribeResponse,
) {
  return {
    id: workerId,
    routines: routines.map(routineOf),
    services,
    tags,
    idleSeconds: Number(idleSeconds),
    ...present({ inFlight }),
  };
}

/** What a worker serves, as a person reads it. */
export function describedLines(described: ReturnType<typeof describedBy>): readonly string[] {
  const { id, routines, services, tags, idleSeconds, inFlight } = described;
  const load = inFlight === undefined || inFlight === 0
    ? `idle for ${durationText(idleSeconds * 1_000)}`
    : `${inFlight} in flight`;
  const kinds = routines.map(({ name, version, shape, idempotent }) => [
    name,
    shape ?? "call",
    idempotent ? "yes" : "no",
    version ?? "-",
  ]);
  return [
    ...alignedTable(["WORKER", "LOAD", "TAGS"], [[id, load, tags.join(",") || "-"]]),
    ...(kinds.length === 0
      ? []
      : ["", ...alignedTable(["ROUTINE", "SHAPE", "IDEMPOTENT", "VERSION"], kinds)]),
    ...(services.length === 0
      ? []
      : ["", ...alignedTable(["SERVICE"], services.map((one) => [one]))]),
  ];
}

function routineOf({ name, version, shape, idempotent }: RoutineDescription) {
  const isShown = shape !== RoutineShape.UNSPECIFIED;
  return {
    name,
    ...present({
      version: version || undefined,
      shape: isShown ? RoutineShape[shape]?.toLowerCase() ?? "unknown" : undefined,
    }),
    idempotent,
  };
}
