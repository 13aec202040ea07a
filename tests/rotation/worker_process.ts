import type { CredentialFiles, WatchOptions } from "../../src/credentials/mod.ts";
import type { SelvageEvent } from "../../src/observe/mod.ts";
import type { WorkerLimits } from "../../src/worker/mod.ts";
import { lines } from "../support/lines.ts";
import { Told } from "./told.ts";

const CONFIG = new URL("../../deno.json", import.meta.url).pathname;
const SELVAGE = new URL("../../src/cli/main.ts", import.meta.url).href;
const ROUTINES = new URL("./routines.ts", import.meta.url).pathname;
const WORKER = new URL("./worker_main.ts", import.meta.url).href;

/** What the command has no flags for; plain values. */
export interface WorkerSettings {
  readonly files: CredentialFiles & WatchOptions;
  /** A file of clients that are denied. Default: none. */
  readonly denylist?: string;
  readonly allow?: string;
  readonly limits?: WorkerLimits;
}

/** A worker in a process of its own, with everything its log tells. */
export class WorkerProcess implements AsyncDisposable {
  /** What its log has told. */
  readonly told: Told;
  /** Its address, once it takes calls. */
  readonly address: Promise<string>;
  readonly #process: Deno.ChildProcess;

  private constructor(args: readonly string[]) {
    this.#process = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--quiet", "--config", CONFIG, "-A", ...args],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.told = new Told(loggedEvents(this.#process.stderr));
    this.address = readyAddress(this.#process.stdout);
  }

  /** Starts `selvage worker` with these flags. */
  static command(flags: readonly string[]): WorkerProcess {
    return new WorkerProcess([SELVAGE, "worker", ROUTINES, "--log-level", "debug", ...flags]);
  }

  /** Starts a worker with these settings. */
  static start(settings: WorkerSettings): WorkerProcess {
    return new WorkerProcess([WORKER, JSON.stringify(settings)]);
  }

  /** Its process. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Ends it without a word: after a test that failed it may be at calls that never end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.status;
  }
}

async function readyAddress(stdout: ReadableStream<Uint8Array>): Promise<string> {
  const printed = lines(stdout);
  const { value } = await printed.next();
  if (value === undefined) throw new Error("the worker did not become ready");
  // Read on, so that the process is never held up by what it prints.
  (async () => {
    for await (const _line of printed);
  })();
  return JSON.parse(value).address;
}

/** The events in a log of JSON lines; what is no log is shown. */
async function* loggedEvents(stderr: ReadableStream<Uint8Array>): AsyncGenerator<SelvageEvent> {
  for await (const line of lines(stderr)) {
    if (!line.startsWith("{")) {
      console.error(line);
      continue;
    }
    const { properties } = JSON.parse(line);
    if (typeof properties?.type === "string") yield properties;
  }
}
