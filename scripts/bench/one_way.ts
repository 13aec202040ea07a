/**
 * Compares the two listeners of one-way TLS, ours and the platform's own: calls a second at 64 callers,
 * two processes, one connection, turn about. Prints one JSON line a turn, and the ratio of the medians.
 *
 * `deno run -A scripts/bench/one_way.ts`
 *
 * @module
 */
import { createAuthority } from "../../src/credentials/mod.ts";
import { Credentials, Dispatcher } from "../../mod.ts";
import { add } from "./routines.ts";

const CALLERS = 64;
const TURNS = 5;
const WARM_MS = 1_500;
const MEASURED_MS = 3_000;
const WORKER = "spiffe://bench.local/worker";

const authority = createAuthority({ name: "bench" });
const { caPem: ca, certPem: cert, keyPem: key } = authority.issue({ name: "w", spiffe: WORKER });
const found: { readonly ours: number[]; readonly native: number[] } = { ours: [], native: [] };
for (let turn = 0; turn < TURNS; turn++) {
  for (const listener of ["ours", "native"] as const) {
    const callsPerSecond = Math.round(await measured(listener === "native"));
    found[listener].push(callsPerSecond);
    console.log(JSON.stringify({ listener, callsPerSecond }));
  }
}
console.log(JSON.stringify({ nativeToOurs: median(found.native) / median(found.ours) }));

async function measured(nativeTls: boolean): Promise<number> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", new URL("./one_way_worker.ts", import.meta.url).href],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const settings = new Blob([JSON.stringify({ cert, key, nativeTls })]);
  await settings.stream().pipeTo(process.stdin);
  const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value: address } = await reader.read();
  try {
    await using dispatcher = await Dispatcher.open({
      discovery: `static:${address?.trim()}`,
      credentials: Credentials.fromPem({ ca, oneWay: true }),
      identity: WORKER,
    });
    await callsPerSecond(dispatcher, WARM_MS);
    return await callsPerSecond(dispatcher, MEASURED_MS);
  } finally {
    process.kill("SIGTERM");
    await process.status;
    await reader.cancel();
  }
}

async function callsPerSecond(dispatcher: Dispatcher, durationMs: number): Promise<number> {
  const start = performance.now();
  let calls = 0;
  await Promise.all(Array.from({ length: CALLERS }, async (_, seed) => {
    for (let n = seed; performance.now() < start + durationMs; n++) {
      if (await dispatcher.call(add, [n, 1]) !== n + 1) throw new Error("a wrong sum");
      calls++;
    }
  }));
  return calls / (performance.now() - start) * 1_000;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
