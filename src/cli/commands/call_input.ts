import { createClient } from "@connectrpc/connect";
import { RoutineShape, WorkerService } from "../../gen/mod.ts";
import type { Dispatcher } from "../../dispatch/mod.ts";
import { jsonLines } from "../json_lines.ts";

/**
 * What a streaming call sends: the lines of standard input to a duplex routine, nothing to any
 * other, so that a script's own standard input is left alone.
 *
 * @param timeoutMs How long a worker may take to describe itself, in milliseconds.
 */
export async function inputFor(
  dispatcher: Dispatcher,
  name: string,
  timeoutMs: number,
): Promise<AsyncIterable<unknown>> {
  const client = createClient(WorkerService, dispatcher.transport);
  const { routines } = await client.describe({}, { timeoutMs });
  const shape = routines.find((routine) => routine.name === name)?.shape;
  // Not described: unknown there, at another worker only, or hidden from this caller. A routine that
  // takes no input ignores it.
  if (shape !== undefined && shape !== RoutineShape.DUPLEX) return nothing();
  if (!Deno.stdin.isTerminal()) return jsonLines(Deno.stdin.readable, "standard input");
  if (shape === RoutineShape.DUPLEX) {
    console.error(
      `${name} reads input items: standard input is a terminal, so none are sent; pipe one JSON ` +
        `value a line, as in: printf '1\\n2\\n' | selvage call ${name} --stream …`,
    );
  }
  return nothing();
}

async function* nothing(): AsyncGenerator<never, void, undefined> {}
