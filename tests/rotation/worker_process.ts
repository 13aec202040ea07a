import type { CredentialFiles, WatchOptions } from "../../src/credentials/mod.ts";
import type { SelvageEvent } from "../../src/observe/mod.ts";
import type { WorkerLimits } from "../../src/worker/mod.ts";
import { TestProcess } from "../support/test_process.ts";
import { Emitted } from "./emitted.ts";

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

/** A worker in a process of its own, with everything its log reports. */
export class WorkerProcess implements AsyncDisposable {
  /** What its log has reported. */
  readonly emitted: Emitted;
  /** Its address, once it takes calls. */
  readonly address: Promise<string>;
  readonly #process: TestProcess;

  private constructor([module = "", ...args]: readonly string[]) {
    const first = Promise.withResolvers<string>();
    this.emitted = new Emitted();
    this.#process = TestProcess.module(module, {
      args,
      onLine: first.resolve,
      onErrorLine: (line) => this.#logged(line),
    });
    this.#process.ended.finally(() => {
      this.emitted.end();
      first.reject(new Error("the worker did not become ready"));
    });
    this.address = first.promise.then((line) => JSON.parse(line).address);
    this.address.catch(() => {});
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
    await this.#process.end();
  }

  /** An event in a log of JSON lines; what is no log is shown. */
  #logged(line: string): void {
    if (!line.startsWith("{")) return console.error(line);
    const { properties } = JSON.parse(line);
    if (typeof properties?.type === "string") this.emitted.add(properties as SelvageEvent);
  }
}
