import type { CredentialPem } from "../../src/credentials/mod.ts";
import type { DispatcherLimits } from "../../src/dispatch/mod.ts";
import type { RunOn } from "../e2e/worker_process.ts";
import { Journal } from "../support/journal.ts";
import { TestProcess } from "../support/test_process.ts";

const MAIN = new URL("./caller_main.ts", import.meta.url).pathname;

/** What a dispatcher process is started with; plain values. */
export interface CallerSettings {
  readonly discovery: string;
  readonly pem: CredentialPem;
  readonly identity: string;
  readonly limits: DispatcherLimits;
}

/** What a dispatcher process reports, one of these a line. */
export type CallerReport =
  /** A call was answered, by the worker of that name. */
  | { readonly answered: string; readonly by: string; readonly tookMs: number }
  /** A call failed; `lost` where it may have begun at that address. */
  | {
    readonly failed: string;
    readonly error: string;
    readonly lost?: string;
    readonly tookMs: number;
  }
  /** A worker has proven itself at that address. */
  | { readonly connected: string }
  /** A worker at that address has failed to. */
  | { readonly refused: string; readonly reason: string };

/** A dispatcher under load, in a process of its own. */
export class Caller implements AsyncDisposable {
  readonly #process: TestProcess;
  readonly #reports = new Journal<CallerReport>();

  /**
   * Starts it.
   *
   * @param on Where it runs.
   */
  constructor(settings: CallerSettings, on: RunOn) {
    const [program, args] = on(Deno.execPath(), ["run", "-A", MAIN, JSON.stringify(settings)]);
    this.#process = new TestProcess(program, {
      args,
      input: true,
      onLine: (line) => this.#reports.add(JSON.parse(line)),
    });
    this.#process.ended.finally(() => this.#reports.end());
  }

  /** What it has reported so far. */
  get reports(): readonly CallerReport[] {
    return this.#reports.entries;
  }

  /** Waits until it has reported that, `count` times from now on. */
  async next(wanted: (report: CallerReport) => boolean, count = 1): Promise<void> {
    const before = this.#reports.entries.filter(wanted).length;
    await this.#reports.until(wanted, before + count);
  }

  /** Waits until the worker of that name has answered `count` calls from now on. */
  async answeredBy(worker: string, count = 20): Promise<void> {
    await this.next((report) => "by" in report && report.by === worker, count);
  }

  /** Lets it finish its calls. @returns its exit code. */
  async end(): Promise<number> {
    await this.#process.closeInput();
    return (await this.#process.ended).code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.end();
  }
}
