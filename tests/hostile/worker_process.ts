import type { CredentialPem } from "../../src/credentials/mod.ts";
import type { WorkerLimits } from "../../src/worker/mod.ts";
import { TestProcess } from "../support/test_process.ts";

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
  readonly #process: TestProcess;

  private constructor(process: TestProcess, port: number) {
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
    await this.#process.end();
  }

  static async #start([module = "", ...args]: readonly string[]): Promise<WorkerProcess> {
    const first = Promise.withResolvers<string>();
    // Tests that are broken off leave no worker behind.
    const process = await TestProcess.endingWithParent(module, {
      flags: ["-A", "--v8-flags=--expose-gc"],
      args,
      onLine: first.resolve,
    });
    process.ended.finally(() => first.reject(new Error("the worker did not become ready")));
    const { address } = JSON.parse(await first.promise);
    return new WorkerProcess(process, Number(address.split(":").at(-1)));
  }
}
