/**
 * Measures what calls keep beside strangers whose chains cost as much as a verdict may: the throughput of an
 * honest client, and how long single calls of an idle worker take. Prints tables in Markdown, and fails where less
 * than half of the throughput is kept, or the slowest hundredth of the calls takes longer than 250 ms.
 *
 * `deno run -A tests/hostile/strangers.ts`
 */
import { generateKeyPairSync } from "node:crypto";
import { Credentials } from "../../src/credentials/mod.ts";
import { writePem } from "../../src/credentials/pem_writer.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { forge, type Forged, general } from "../support/forge.ts";
import { measureKept } from "./kept.ts";
import { printKept, printKeptHead } from "./kept_table.ts";
import { echo, held } from "./routines.ts";
import type { StrangerOrders } from "./strangers_thread.ts";
import { WorkerProcess } from "./worker_process.ts";

const WORKER_ID = "spiffe://example.org/worker";
const CLIENT_ID = "spiffe://example.org/client/honest";
/** Handshakes of strangers a second. */
const STRANGERS = 50;
const CALLERS = 16;
const LEAST = 0.5;
const LONGEST_MS = 250;
const WATCHED_MS = 8000;
/** Between two single calls. */
const PAUSE_MS = 5;

const p384 = () => generateKeyPairSync("ec", { namedCurve: "P-384" });
const root = forge({ subject: "root", authority: true });
const root384 = forge({ subject: "root 384", authority: true, keys: p384() });
const pem = ({ der }: Forged) => writePem("CERTIFICATE", der);
const shown = (own: Forged, ...authorities: readonly Forged[]) => ({
  ca: pem(root) + pem(root384),
  cert: [own, ...authorities].map(pem).join(""),
  key: String(own.keys.privateKey.export({ type: "pkcs8", format: "pem" })),
});
const issued = (id: string) =>
  shown(forge({ issuer: root, names: [general.uri(id), general.ip(127, 0, 0, 1)] }));

/** Chains at the limits of a verdict, none of which an authority has signed: the costliest for the loop, and at all. */
const CHAINS = [
  () => forge({ subject: "root", authority: true }),
  () => forge({ subject: "root 384", authority: true, keys: p384() }),
].map((namesake) => {
  const namesakes = Array.from({ length: 7 }, namesake);
  return shown(forge({ issuer: namesakes[0]! }), ...namesakes);
});

await using worker = await WorkerProcess.with({
  trust: { pem: issued(WORKER_ID), allow: CLIENT_ID },
  listen: ["127.0.0.1:0"],
});
await using dispatcher = await Dispatcher.open({
  discovery: `static:127.0.0.1:${worker.port}`,
  credentials: Credentials.fromPem(issued(CLIENT_ID)),
  identity: WORKER_ID,
});
const thread = new Worker(new URL("./strangers_thread.ts", import.meta.url), { type: "module" });
await callsPerSecond(2000);

printKeptHead("strangers");
const before = await dispatcher.call(held, []);
let handshakes = 0;
const kept = await measureKept({
  alone: callsPerSecond,
  beside: async (ms) => {
    begin();
    const calls = await callsPerSecond(ms);
    handshakes += await stopped();
    return calls;
  },
}, { least: LEAST, windowMs: 1000 });
const after = await dispatcher.call(held, []);
printKept(`${STRANGERS} a second`, handshakes, kept, after.bytes - before.bytes);

const alone = await callsOfIdleWorker();
begin();
const beside = await callsOfIdleWorker();
const met = await stopped();
thread.terminate();
console.log(`
| calls of an idle worker | handshakes | median, ms | 99 of 100 within, ms | longest, ms |
| --- | --- | --- | --- | --- |
| alone | 0 | ${alone.join(" | ")} |
| beside ${STRANGERS} strangers a second | ${met} | ${beside.join(" | ")} |`);
const failures = [
  ...kept.ratio < LEAST ? ["less than half of the throughput is kept"] : [],
  ...Number(beside[1]) > LONGEST_MS ? [`calls take longer than ${LONGEST_MS} ms`] : [],
];
for (const failure of failures) console.error(failure);
Deno.exitCode = failures.length === 0 ? 0 : 1;

function begin(): void {
  const orders: StrangerOrders = { port: worker.port, perSecond: STRANGERS, chains: CHAINS };
  thread.postMessage(orders);
}

/** How many handshakes were refused as they should be, once the strangers have stopped. */
async function stopped(): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<{ refused: number; other: string[] }>();
  thread.onmessage = ({ data }) => resolve(data);
  thread.postMessage("stop");
  const { refused, other } = await promise;
  if (other.length > 0) throw new Error(`not refused: ${other.slice(0, 3).join("; ")}`);
  return refused;
}

/** The median, the 99th of 100 and the longest of calls made one after the other, in milliseconds. */
async function callsOfIdleWorker(): Promise<readonly string[]> {
  const times: number[] = [];
  const end = performance.now() + WATCHED_MS;
  while (performance.now() < end) {
    const begun = performance.now();
    await dispatcher.call(echo, [times.length]);
    times.push(performance.now() - begun);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  times.sort((a, b) => a - b);
  return [0.5, 0.99, 1].map((share) => times[Math.ceil(share * times.length) - 1]!.toFixed(1));
}

/** What honest callers get done who call without a pause; not one call may fail. */
async function callsPerSecond(ms: number): Promise<number> {
  const begin = performance.now();
  const end = begin + ms;
  let calls = 0;
  await Promise.all(Array.from({ length: CALLERS }, async () => {
    while (performance.now() < end) {
      await dispatcher.call(echo, [calls]);
      calls += 1;
    }
  }));
  return calls / (performance.now() - begin) * 1000;
}
