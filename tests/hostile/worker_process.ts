import type { CredentialPem } from "../../src/credentials/mod.ts";
import { leashed } from "../../src/pool/leash.ts";
import type { WorkerLimits } from "../../src/worker/mod.ts";
import { lines } from "../support/lines.ts";

const CONFIG = new URL("../../deno.json", import.meta.url).pathname;
const SELVAGE = new URL("../../src/cli/main.ts", import.meta.url).href;
const ROUTINES = new URL("./routines.ts", import.meta.url).pathname;
const WORKER = new URL("./worker_main.ts", import.meta.url).href;

/** What a worker is started with that has other limits than the command's. */
export interface WorkerSettings {
  /** Default: plaintext. */
  readonly trust?: { readonly pem: CredentialPem; readonly allow: string };
  /** What it serves. Default: the routines that attackers call. */
  readonly module?: string;
  /** Default: none. */
  readonly tags?: readonly string[];
  /** Default: any port on loopback. */
  readonly listen?: readonly string[];
  /** Default: the worker's own. */
  readonly limits?: WorkerLimits;
}

/** A worker in a process of its own, whose garbage can be collected. */
export class WorkerProcess implements AsyncDisposable {
  readonly port: number;
  readonly #process: Deno.ChildProcess;

  private constructor(process: Deno.ChildProcess, port: number) {
    this.#process = process;
    this.port = port;
  }

  /** Starts `selvage worker` with these flags, and waits until it takes calls. */
  static command(flags: readonly string[]): Promise<WorkerProcess> {
    return WorkerProcess.#start([SELVAGE, "worker", ROUTINES, "--log-level", "error", ...flags]);
  }

  /** Starts a worker with these settings, and waits until it takes calls. */
  static with(settings: WorkerSettings): Promise<WorkerProcess> {
    return WorkerProcess.#start([WORKER, JSON.stringify(settings)]);
  }

  /** The id of the process. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Ends it without a word. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.status;
  }

  static async #start(args: readonly string[]): Promise<WorkerProcess> {
    // Whoever breaks the tests off leaves no worker behind.
    const { path, args: leash } = await leashed(Deno.execPath());
    const process = new Deno.Command(path, {
      args: [
        ...leash,
        "run",
        "-A",
        "--quiet",
        "--v8-flags=--expose-gc",
        "--config",
        CONFIG,
        ...args,
      ],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    const printed = lines(process.stdout);
    const { value } = await printed.next();
    if (value === undefined) throw new Error("the worker did not become ready");
    const { address } = JSON.parse(value);
    return new WorkerProcess(process, Number(address.split(":").at(-1)));
  }
}
