/** A dispatcher in a process of its own, which calls until its input ends. Reports on stdout, a line each. */
import { Credentials } from "../../src/credentials/mod.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { lines } from "../support/lines.ts";
import { callKinds, endingOf } from "./call_kinds.ts";
import type { CallerReport, CallerSettings, Phase } from "./caller.ts";
import { type Held, heldHere, kept, LOOK_MS, LOOKS } from "./held.ts";

/** Calls that are under way at the same time. */
const LANES = 3;
/** How long each lane pauses between two calls, in milliseconds, so that what happens beside them goes on. */
const PAUSE_MS = 5;

const settings: CallerSettings = JSON.parse(Deno.args[0] ?? "{}");
let phase: Phase = "allowed";
let calls = 0;
let stopped = false;

const open = () =>
  Dispatcher.open({
    discovery: settings.discovery,
    credentials: Credentials.watchFiles(settings.files),
    identity: settings.identity,
    strict: true,
  });
const input = lines(Deno.stdin.readable);
const before = await settled(await heldAtMost());
const dispatcher = await open();
const events = (async () => {
  for await (const event of dispatcher.events()) {
    if (event.type === "credentials.rotated") {
      report({ adopted: event.certificate?.fingerprint ?? "" });
    }
  }
})();
const lanes = Promise.all(Array.from({ length: LANES }, callOn));
for await (const line of input) {
  phase = JSON.parse(line).phase;
  report({ phase });
}
stopped = true;
await lanes;
const inFlight = dispatcher.workers().reduce((sum, worker) => sum + worker.inFlight, 0);
await dispatcher[Symbol.asyncDispose]();
await events;
report({ inFlight, before, after: await settled(before) });

async function callOn(): Promise<void> {
  while (!stopped) {
    const name = `${settings.name}.${calls}`;
    const kind = callKinds[calls++ % callKinds.length]!;
    const begunIn = phase;
    const ending = await kind(dispatcher, name).then(
      () => ({ how: "answered" as const }),
      endingOf,
    );
    // One that is denied at first may be placed once that is over.
    report({ call: { name, phase: begunIn === phase ? phase : "changing", ...ending } });
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/**
 * What is held after a first dispatcher, whose connections are closed: the platform opens descriptors of its
 * own for the first socket, watcher and read, and keeps them.
 */
async function heldAtMost(): Promise<Held> {
  await using first = await open();
  await first.ready({ min: settings.workers });
  const sockets = heldHere().sockets - settings.workers;
  return { descriptors: Infinity, sockets, heldBytes: 0, gatheredBytes: 0 };
}

/** What is held once that is no more than `most`: sockets that are closed are gone a moment later. */
async function settled(most: Held): Promise<Held> {
  for (let look = 1;; look++) {
    const now = heldHere();
    if (kept("", most, now).length === 0 || look === LOOKS) return now;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

function report(line: CallerReport): void {
  console.log(JSON.stringify(line));
}
