import { createClient } from "@connectrpc/connect";
import { Command } from "commander";
import { type RoutineDescription, RoutineShape, WorkerService } from "../../gen/mod.ts";
import { type CallerFlags, openDispatcher, withCallerFlags } from "../caller_flags.ts";
import { jsonOf } from "../json_value.ts";
import { present } from "../../values/mod.ts";

/** `selvage describe`: what a worker serves. */
export function describeCommand(): Command {
  const command = new Command("describe").description("print what a worker serves, as JSON")
    .addHelpText("after", EXAMPLES);
  return withCallerFlags(command, "endpoint", "30s").action(describe);
}

const EXAMPLES = `
Examples:
  selvage describe --endpoint 127.0.0.1:8443
  selvage describe --endpoint math.internal:8443 --ca ca.pem --cert me.pem --key me.key
`;

async function describe(flags: CallerFlags): Promise<void> {
  await using dispatcher = await openDispatcher(flags, "endpoint");
  const client = createClient(WorkerService, dispatcher.transport);
  const { workerId, routines, services, tags, idleSeconds, inFlight } = await client.describe({}, {
    timeoutMs: flags.timeout ?? 30_000,
  });
  console.log(jsonOf({
    id: workerId,
    routines: routines.map(routineOf),
    services,
    tags,
    idleSeconds: Number(idleSeconds),
    ...present({ inFlight }),
  }));
}

function routineOf({ name, version, shape, idempotent }: RoutineDescription): object {
  return {
    name,
    ...(version === "" ? {} : { version }),
    ...(shape === RoutineShape.UNSPECIFIED
      ? {}
      : { shape: RoutineShape[shape]?.toLowerCase() ?? "unknown" }),
    idempotent,
  };
}
