import type { CredentialFiles } from "../../src/credentials/mod.ts";
import type { SelvageEvent } from "../../src/observe/mod.ts";
import { TestProcess } from "../support/test_process.ts";
import { Emitted } from "./emitted.ts";

const CALLER = new URL("./caller_main.ts", import.meta.url).href;

/** What a dispatcher process is started with; plain values. */
export interface CallerSettings {
  readonly address: string;
  readonly files: CredentialFiles;
  readonly identity: string;
}

/** What a dispatcher process reports, one of these a line. */
export interface CallerReport {
  readonly event?: SelvageEvent;
  /** Its long calls are under way. */
  readonly begun?: true;
  /** Every call is over, none has failed, and so many there were. */
  readonly calls?: number;
}

/** A dispatcher in a process of its own, under load. */
export class CallerProcess implements AsyncDisposable {
  /** What it has reported. */
  readonly emitted = new Emitted();
  readonly #process: TestProcess;
  readonly #begun = Promise.withResolvers<void>();
  #calls = 0;

  /** Starts one. */
  constructor(settings: CallerSettings) {
    this.#process = TestProcess.module(CALLER, {
      args: [JSON.stringify(settings)],
      input: true,
      onLine: (line) => this.#read(JSON.parse(line)),
    });
    this.#process.ended.finally(() => {
      this.emitted.end();
      this.#begun.reject(new Error("the dispatcher's process has ended"));
    });
    this.#begun.promise.catch(() => {});
  }

  /** Resolves once its long calls are under way. */
  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  /** Lets it finish its calls; reports how many there were, where not one has failed. */
  async end(): Promise<number> {
    await this.#process.closeInput();
    const { code } = await this.#process.ended;
    if (code !== 0) throw new Error(`the dispatcher's process ended with code ${code}`);
    return this.#calls;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.end();
  }

  #read({ event, begun, calls }: CallerReport): void {
    if (event !== undefined) this.emitted.add(event);
    if (begun !== undefined) this.#begun.resolve();
    if (calls !== undefined) this.#calls = calls;
  }
}
