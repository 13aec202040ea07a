/** A dispatcher in a process of its own, which calls until its input ends. Reports on stdout, a line each. */
import { Credentials } from "../../src/credentials/mod.ts";
import { Dispatcher, roundRobin } from "../../src/dispatch/entry.ts";
import { WorkerUnavailable } from "../../src/errors/mod.ts";
import { lines } from "../support/lines.ts";
import type { CallerReport, CallerSettings } from "./caller.ts";
import { again, once } from "./routines.ts";

/** Calls that are under way at the same time. */
const LANES = 4;
/** How long each lane pauses between two calls, in milliseconds, so that what happens beside them goes on. */
const PAUSE_MS = 25;

const { discovery, pem, identity, limits }: CallerSettings = JSON.parse(Deno.args[0] ?? "{}");
let calls = 0;
let stopped = false;
await using dispatcher = await Dispatcher.open({
  discovery,
  credentials: Credentials.fromPem(pem),
  identity,
  limits,
  // Each worker gets its share whatever became of it, so that calls are at the one that is cut off.
  balancer: roundRobin(),
});
const events = dispatcher.events();
(async () => {
  for await (const event of events) {
    if (event.type === "peer.accepted") report({ connected: event.peer.address });
    if (event.type === "handshake.failed") {
      report({ refused: event.worker.address, reason: event.reason });
    }
  }
})();
await dispatcher.ready({ min: 1 });
const lanes = Promise.all(Array.from({ length: LANES }, (_, lane) => callOn(lane)));
for await (const _ of lines(Deno.stdin.readable));
stopped = true;
await lanes;

async function callOn(lane: number): Promise<void> {
  while (!stopped) {
    const which = calls++;
    const kind = lane % 2 === 0 ? "once" : "again";
    const name = `${kind}-${which}`;
    const begun = performance.now();
    const call = kind === "once"
      ? dispatcher.call(once, [name], { timeoutMs: 60_000 })
      : dispatcher.call(again, [name], { timeoutMs: 60_000 });
    await call.then(
      (by) => report({ answered: name, by, tookMs: performance.now() - begun }),
      (error) => report({ failed: name, ...described(error), tookMs: performance.now() - begun }),
    );
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

function described(error: Error): { readonly error: string; readonly lost?: string } {
  const text = `${error.name}: ${error.message}`;
  if (!(error instanceof WorkerUnavailable) || error.notBegun) return { error: text };
  return { error: text, lost: error.worker.address };
}

function report(report: CallerReport): void {
  console.log(JSON.stringify(report));
}
