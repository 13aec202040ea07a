import { join } from "node:path";
import { createAuthority, Credentials } from "../../src/credentials/mod.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { vanish } from "../../tests/hostile/vanish.ts";
import { actionsOf } from "./actor.ts";
import { heldHere } from "./held.ts";
import { MemoryCurve } from "./memory.ts";
import { Random } from "./random.ts";
import { held, type WorkerHeld } from "./routines.ts";
import { type KindTally, Tally } from "./tally.ts";
import { SoakedWorker } from "./worker_process.ts";

/** How a soak is run. */
export interface SoakOptions {
  /** How long. */
  readonly seconds: number;
  /** What its choices come from. */
  readonly seed: number;
}

/** The result of a soak. */
export interface SoakReport {
  /** Whether nothing was leaked and every call is accounted for. */
  readonly ok: boolean;
  readonly seed: number;
  readonly seconds: number;
  /** Calls made, of all kinds. */
  readonly calls: number;
  /** How those of each kind have ended. */
  readonly kinds: Readonly<Record<string, KindTally>>;
  /** Calls that ended in no way that they may, the first few of them. */
  readonly wrong: readonly string[];
  /** Restarts of one of the workers, by how it was ended. */
  readonly restarts: { readonly drained: number; readonly killed: number };
  /** Clients that vanished with calls under way. */
  readonly vanished: number;
  /** What is left that should not be. */
  readonly left: readonly string[];
  /** Memory after collections, the median of each quarter of the time, in MiB. */
  readonly memory: { readonly caller: readonly number[]; readonly worker: readonly number[] };
}

const ACTORS = 8;
const WORKER_ID = "spiffe://example.org/worker";
/** What memory may differ by between the third quarter and the last, in MiB. */
const FLAT_MIB = 8;
/** Files that a worker opens for itself now and then. */
const OWN_FILES = 4;
/**
 * How often the time is begun again where memory has not been flat in it: on a slow machine code is still being
 * compiled then, while what leaks goes on growing. A short time is begun again until so many seconds are over.
 */
const MOST_PROLONGED = 2;
const SECONDS_OF_SHORT_TIMES = 60;
/** How long what was begun may take to go at the end, in milliseconds. */
const SETTLE_MS = 60_000;
/** Between two readings of memory, and between two restarts, in milliseconds. */
const SAMPLE_MS = 1_000;
const RESTART_MS = 4_000;

/** Has callers do all they may at random, with two worker processes, one of them restarted again and again. */
export async function soak({ seconds, seed }: SoakOptions): Promise<SoakReport> {
  await using resources = new AsyncDisposableStack();
  const ground = await layGround(resources);
  const steady = resources.use(new SoakedWorker(ground.flags));
  const restarted = resources.use(new SoakedWorker(ground.flags));
  await Promise.all([steady.start(), restarted.start()]);
  const caller = resources.use(await ground.open([steady, restarted]));
  const watch = resources.use(await ground.open([steady]));
  const random = new Random(seed);
  const tally = new Tally();
  const memory = { caller: new MemoryCurve(), worker: new MemoryCurve() };
  const isFlat = () => Object.values(memory).every(({ growth }) => growth <= FLAT_MIB);
  let until = performance.now() + seconds * 1000;
  let over = false;
  let prolonged = 0;
  const mostProlonged = Math.max(MOST_PROLONGED, SECONDS_OF_SHORT_TIMES / Math.max(1, seconds) - 1);
  const goesOn = () => {
    if (over || performance.now() < until) return !over;
    over = isFlat() || prolonged >= mostProlonged;
    prolonged += 1;
    until = performance.now() + seconds * 1000;
    return !over;
  };
  const begun = await watch.call(held, []);

  const restarts = { drained: 0, killed: 0, changes: 0, under: false };
  const restart = async () => {
    const how = new Random(random.below(2 ** 31));
    while (goesOn()) {
      await pause(how.below(RESTART_MS), until);
      restarts.under = true;
      restarts.changes += 1;
      const kind = how.of(["drained", "killed"] as const);
      await restarted.end(kind === "drained" ? "SIGTERM" : "SIGKILL");
      await restarted.start();
      restarts[kind] += 1;
      restarts.under = false;
    }
  };
  const act = async () => {
    const own = new Random(random.below(2 ** 31));
    const actions = Object.entries(actionsOf(caller, own)) as [[string, () => Promise<void>]];
    while (goesOn()) {
      const [kind, call] = own.of(actions);
      const { changes, under } = restarts;
      await tally.count(kind, call, () => under || restarts.changes !== changes);
    }
  };
  let vanished = 0;
  const beRude = async () => {
    const own = new Random(random.below(2 ** 31));
    while (goesOn()) {
      await vanish({ port: steady.port, tls: ground.rude }, "soak.wait");
      vanished += 1;
      await pause(own.below(SAMPLE_MS), until);
    }
  };
  const look = async () => {
    while (goesOn()) {
      memory.caller.add((await heldHere()).bytes);
      memory.worker.add((await watch.call(held, [])).bytes);
      await pause(SAMPLE_MS, until);
    }
  };
  await Promise.all([...Array.from({ length: ACTORS }, act), restart(), beRude(), look()]);

  const left = await leftIn(watch, begun);
  const busy = caller.workers().reduce((sum, { inFlight }) => sum + inFlight, 0);
  if (busy > 0) left.push(`${busy} calls in the dispatcher`);
  for (const [whose, curve] of Object.entries(memory)) {
    if (curve.growth > FLAT_MIB) left.push(`${curve.growth} MiB more in the ${whose}`);
  }
  await caller[Symbol.asyncDispose]();
  await watch[Symbol.asyncDispose]();
  for (const worker of [steady, restarted]) {
    const code = await worker.end("SIGTERM");
    if (code !== 0) left.push(`a worker that ended with ${code}`);
  }
  return {
    ok: left.length === 0 && tally.accountedFor,
    seed,
    seconds,
    calls: tally.calls,
    kinds: tally.kinds,
    wrong: tally.wrong,
    restarts: { drained: restarts.drained, killed: restarts.killed },
    vanished,
    left,
    memory: { caller: memory.caller.quarters, worker: memory.worker.quarters },
  };
}

/** What the steady worker still has of what was begun, after the time that it may take to go. */
async function leftIn(watch: Dispatcher, begun: WorkerHeld): Promise<string[]> {
  const until = performance.now() + SETTLE_MS;
  for (;;) {
    const now = await watch.call(held, []);
    const files = now.files - begun.files - OWN_FILES;
    if (now.active === 0 && files <= 0) return [];
    if (performance.now() < until) continue;
    return [`${now.active} calls and ${Math.max(0, files)} files in the worker`];
  }
}

/** Waits so long, but not beyond the end. */
function pause(ms: number, until: number): Promise<void> {
  const left = Math.max(0, Math.min(ms, until - performance.now()));
  return new Promise((resolve) => setTimeout(resolve, left));
}

interface Ground {
  /** A worker's credentials, and whom it allows. */
  readonly flags: readonly string[];
  /** What a rude client shows. */
  readonly rude: { readonly ca: string; readonly cert: string; readonly key: string };
  /** Opens a dispatcher of some workers. */
  open(workers: readonly SoakedWorker[]): Promise<Dispatcher>;
}

async function layGround(resources: AsyncDisposableStack): Promise<Ground> {
  const authority = createAuthority();
  const issue = (name: string) => {
    const { certPem: cert, keyPem: key } = authority.issue({
      name,
      spiffe: `spiffe://example.org/${name}`,
    });
    return { ca: authority.certPem, cert, key };
  };
  const folder = await Deno.makeTempDir();
  resources.defer(() => Deno.remove(folder, { recursive: true }));
  const flags = ["--allow", "spiffe://example.org/client/*"];
  for (const [name, pem] of Object.entries(issue("worker"))) {
    const path = join(folder, `${name}.pem`);
    await Deno.writeTextFile(path, pem);
    flags.push(`--${name}`, path);
  }
  return {
    flags,
    rude: issue("client/rude"),
    open: (workers) =>
      Dispatcher.open({
        discovery: `static:${workers.map(({ port }) => `127.0.0.1:${port}`).join(",")}`,
        credentials: Credentials.fromPem(issue("client/honest")),
        identity: WORKER_ID,
        limits: { longestBackoffMs: 500 },
      }),
  };
}
