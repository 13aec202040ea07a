/**
 * Lives on certificates of 20 seconds that are renewed every 10 seconds, on both ends, under constant
 * load: a worker process and a dispatcher over mutual TLS. Prints one JSON line; a failed call, or an
 * end that did not rotate as often as it was renewed, is exit code 1.
 *
 * `deno task soak:rotation [--seconds N]`, five minutes by default
 *
 * @module
 */
import { Credentials, Dispatcher } from "../mod.ts";
import { EventCounts } from "./soak/event_counts.ts";
import { load } from "./soak/load.ts";
import { Renewal } from "./soak/renewal.ts";
import { SoakedWorker } from "./soak/soaked_worker.ts";

const TTL_MS = 20_000;
const RENEWED_EVERY_MS = 10_000;

const seconds = secondsFrom(Deno.args);
console.error(`${seconds} s on certificates of ${TTL_MS / 1000} s …`);
await using renewal = await Renewal.begin(TTL_MS, RENEWED_EVERY_MS);
const { worker: workerEnd, dispatcher: dispatcherEnd } = renewal;
await using worker = await SoakedWorker.start(workerEnd, dispatcherEnd);
await using dispatcher = await Dispatcher.open({
  discovery: `static:${worker.address}`,
  credentials: Credentials.watchFiles(dispatcherEnd.files),
  identity: workerEnd.spiffe,
  strict: true,
});
const events = new EventCounts(dispatcher.events());
const { calls, longCalls, failed } = await load(dispatcher, seconds * 1000);
const rotations = {
  worker: worker.events.of("credentials.rotated"),
  dispatcher: events.of("credentials.rotated"),
};
console.log(JSON.stringify({
  seconds,
  calls,
  longCalls,
  failed,
  renewals: renewal.renewals,
  rotations,
  rejected: worker.events.of("credentials.rejected") + events.of("credentials.rejected"),
  connections: {
    worker: worker.events.of("peer.accepted"),
    dispatcher: events.of("peer.accepted"),
  },
  generationsEnded: worker.events.generationsEnded,
  retried: events.of("dispatch.retried"),
}));
// The last renewal may not have been taken up yet.
const behind = Math.min(rotations.worker, rotations.dispatcher) < renewal.renewals - 1;
if (failed > 0 || behind) Deno.exitCode = 1;

function secondsFrom(args: readonly string[]): number {
  const [flag, value, ...rest] = args;
  if (flag === undefined) return 300;
  const seconds = Number(value);
  if (flag === "--seconds" && rest.length === 0 && seconds > 0) return seconds;
  console.error("usage: deno task soak:rotation [--seconds N]");
  Deno.exit(2);
}
