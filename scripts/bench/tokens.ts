/**
 * What tokens cost once they are verified: calls a second at 64 callers without a token, with a JWT that the worker
 * ignores, and with one that it verifies and remembers; turn about on one connection each, over mutual TLS, each worker
 * in a process of its own. Prints one JSON line a turn, and how much of the throughput is kept, in the median of the
 * turns: by verifying what is sent anyway, and by sending and verifying it.
 *
 * `deno task bench --tokens`
 *
 * @module
 */
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { Credentials, Dispatcher } from "../../mod.ts";
import { createAuthority, type CredentialPem } from "../../src/credentials/mod.ts";
import { readLines } from "../../src/pool/line_reader.ts";
import { add } from "./routines.ts";
import type { TokenWorkerSettings } from "./token_worker.ts";

const WORKER = "spiffe://bench.local/worker";
const CALLERS = 64;
const TURNS = 18;
const WARM_MS = 1_500;
const MEASURED_MS = 600;

const authority = createAuthority({ name: "bench" });
const { publicKey, privateKey } = await generateKeyPair("ES256");
const claims = { iss: "https://issuer.bench.local", aud: WORKER, sub: "alice", scope: "math.read" };
const tokens = {
  issuer: claims.iss,
  audience: claims.aud,
  jwks: { keys: [{ ...await exportJWK(publicKey), kid: "k1" }] },
};
const token = await new SignJWT({ ...claims, exp: Math.floor(Date.now() / 1_000) + 3_600 })
  .setProtectedHeader({ alg: "ES256", kid: "k1" }).sign(privateKey);

await using stack = new AsyncDisposableStack();
const pem = pemOf("worker", WORKER);
const subjects = {
  without: await subject({ pem }, undefined),
  ignored: await subject({ pem }, token),
  verified: await subject({ pem, tokens }, token),
};
type Name = keyof typeof subjects;
const names = Object.keys(subjects) as Name[];
for (const name of names) await callsPerSecond(subjects[name], WARM_MS);

const turns: Record<Name, number>[] = [];
for (let turn = 0; turn < TURNS; turn++) {
  const found = { without: 0, ignored: 0, verified: 0 };
  // Each is first as often as the others.
  for (const at of names.keys()) {
    const name = names[(at + turn) % names.length]!;
    found[name] = Math.round(await callsPerSecond(subjects[name], MEASURED_MS));
  }
  turns.push(found);
  console.log(JSON.stringify({ callsPerSecond: found }));
}
console.log(JSON.stringify({ kept: { byVerifying: kept("ignored"), byAll: kept("without") } }));

function kept(base: Name): number {
  const ratios = turns.map((turn) => turn.verified / turn[base]).toSorted((a, b) => a - b);
  return Number(ratios[Math.floor(ratios.length / 2)]!.toFixed(3));
}

async function subject(settings: TokenWorkerSettings, token: string | undefined) {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", new URL("./token_worker.ts", import.meta.url).href],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  stack.defer(async () => {
    process.kill("SIGKILL");
    await process.status;
  });
  const writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode(`${JSON.stringify(settings)}\n`));
  const { value: address } = await readLines(process.stdout).next();
  return stack.use(
    await Dispatcher.open({
      discovery: `static:${address}`,
      credentials: Credentials.fromPem(pemOf("caller", "spiffe://bench.local/caller")),
      identity: WORKER,
      ...(token === undefined ? {} : { token }),
    }),
  );
}

function pemOf(name: string, spiffe: string): CredentialPem {
  const { caPem: ca, certPem: cert, keyPem: key } = authority.issue({ name, spiffe });
  return { ca, cert, key };
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
