import { Journal } from "../support/journal.ts";
import { TestProcess } from "../support/test_process.ts";

/** How a daemon is started. */
export interface DaemonOptions {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A program that runs until it is asked to end; what it writes is kept, and can be waited for. */
export class Daemon implements AsyncDisposable {
  readonly #process: TestProcess;
  readonly #written = new Journal<string>();

  /** Starts it. */
  constructor(program: string, { args, env = {} }: DaemonOptions) {
    const onLine = (line: string): void => this.#written.add(line);
    this.#process = new TestProcess(program, { args, env, onLine, onErrorLine: onLine });
    this.#process.ended.finally(() => this.#written.end());
  }

  /** How many lines it has written that the pattern is in. */
  count(pattern: RegExp): number {
    return this.#written.entries.filter((line) => pattern.test(line)).length;
  }

  /** Waits until it has written that many lines that the pattern is in, and gives the last of them. */
  async line(pattern: RegExp, count: number = 1): Promise<string> {
    return await this.#written.until((line) => pattern.test(line), count);
  }

  /** Ends it, and waits until it has. */
  async end(signal: Deno.Signal): Promise<void> {
    await this.#process.end(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGKILL");
  }
}
