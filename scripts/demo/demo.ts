import { fileURLToPath } from "node:url";
import { WorkerPool } from "../../src/pool/mod.ts";
import { digestFile } from "./file_job.ts";
import { findFiles } from "./files.ts";
import { tryImpostor } from "./impostor.ts";
import { ProgressBar } from "./progress.ts";
import { Tally } from "./tally.ts";

const USAGE = `usage: deno task demo [FOLDER]

Has every file of FOLDER (default: this repository) digested by a pool of workers over mutual TLS,
checks every digest, tries an impostor, and prints one JSON line.`;

/** Calls under way at once, for each worker. */
const CALLS_PER_WORKER = 16;

/**
 * Runs the demo.
 *
 * @param args At most one folder.
 * @returns The exit code.
 */
export async function demo(args: readonly string[]): Promise<number> {
  const [first, second] = args;
  if (first === "--help" || first === "-h") return say(USAGE, 0);
  if (second !== undefined || first?.startsWith("-")) return say(USAGE, 2);
  const folder = first ?? fileURLToPath(new URL("../../", import.meta.url));
  const files = await listed(folder);
  if (typeof files === "string") return say(`${files}\n\n${USAGE}`, 2);

  const workers = navigator.hardwareConcurrency;
  console.error(`${files.length} files in ${folder}; starting ${workers} workers …`);
  const run = await digestAll(files, workers);
  console.error(`\n${run.tally.table(run.seconds)}\n`);
  const { tally, seconds, rotations, failedDuringRotation } = run;
  const failed = `${failedDuringRotation} call${failedDuringRotation === 1 ? "" : "s"} failed`;
  console.error(
    `all certificates were replaced ${
      rotations === 1 ? "once" : `${rotations} times`
    }; ${failed}\n`,
  );
  const refused = await tryImpostor();
  console.error(`an impostor with a certificate of another authority was tried, and refused:`);
  console.error(`  ${refused.message}\n`);
  console.log(JSON.stringify({
    files: tally.files,
    bytes: tally.bytes,
    mismatches: tally.mismatches,
    workers,
    callsPerSecond: Math.round(tally.files / seconds),
    impostor: refused.reason,
    rotations,
    failedDuringRotation,
  }));
  return tally.mismatches === 0 && tally.failed === 0 ? 0 : 1;
}

interface Run {
  readonly tally: Tally;
  readonly seconds: number;
  readonly rotations: number;
  readonly failedDuringRotation: number;
}

async function digestAll(files: readonly string[], workers: number): Promise<Run> {
  await using pool = await WorkerPool.open({
    spawn: { count: workers, modules: [new URL("./routines.ts", import.meta.url)], threads: 0 },
  });
  const tally = new Tally();
  const rotation = new Rotation(pool, Math.floor(files.length / 2));
  using bar = new ProgressBar(files.length);
  const started = performance.now();
  const queue = files.values();
  const caller = async () => {
    for (const file of queue) {
      await digestOne(pool, file, tally, rotation);
      rotation.reached(bar.step());
    }
  };
  await Promise.all(Array.from({ length: workers * CALLS_PER_WORKER }, caller));
  const seconds = (performance.now() - started) / 1000;
  await rotation.finished();
  return { tally, seconds, rotations: rotation.count, failedDuringRotation: rotation.failed };
}

async function digestOne(
  pool: WorkerPool,
  file: string,
  tally: Tally,
  rotation: Rotation,
): Promise<void> {
  try {
    const done = await digestFile(pool, file);
    if (done === undefined) tally.unreadable += 1;
    else tally.add(done);
  } catch (error) {
    tally.failed += 1;
    rotation.callFailed();
    console.error(`${file}: ${error}`);
  }
}

/** New credentials for the pool and every worker, half-way through the work. */
class Rotation {
  readonly #pool: WorkerPool;
  readonly #at: number;
  #running: Promise<void> | undefined;
  count = 0;
  failed = 0;

  constructor(pool: WorkerPool, at: number) {
    this.#pool = pool;
    this.#at = at;
  }

  /** Begins half-way. */
  reached(files: number): void {
    if (files >= this.#at) this.#running ??= this.#rotate();
  }

  /** A call has failed; from when the rotation begins on, that counts against it. */
  callFailed(): void {
    if (this.#running !== undefined) this.failed += 1;
  }

  /** Resolves when everyone has the new credentials, for a folder without files too. */
  async finished(): Promise<void> {
    await (this.#running ??= this.#rotate());
  }

  async #rotate(): Promise<void> {
    await this.#pool.renewCredentials();
    this.count += 1;
  }
}

async function listed(folder: string): Promise<readonly string[] | string> {
  try {
    return await findFiles(folder);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return `there is no folder ${folder}`;
    if (error instanceof Deno.errors.NotADirectory) return `${folder} is not a folder`;
    throw error;
  }
}

function say(text: string, code: number): number {
  console.error(text);
  return code;
}
