import { lines } from "../support/lines.ts";

/** How a daemon is started. */
export interface DaemonOptions {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A program that runs until it is told to end; what it writes is kept, and can be waited for. */
export class Daemon implements AsyncDisposable {
  readonly #name: string;
  readonly #process: Deno.ChildProcess;
  readonly #reading: Promise<unknown>;
  readonly #written: string[] = [];
  #next = Promise.withResolvers<void>();
  #ended = false;

  /** Starts it. */
  constructor(program: string, { args, env = {} }: DaemonOptions) {
    this.#name = program;
    this.#process = new Deno.Command(program, {
      args: [...args],
      env: { NO_COLOR: "1", ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const { stdout, stderr } = this.#process;
    this.#reading = Promise.all([this.#read(stdout), this.#read(stderr)]).then(() => {
      this.#ended = true;
      this.#next.resolve();
    });
  }

  /** How many lines it has written that the pattern is in. */
  count(pattern: RegExp): number {
    return this.#written.filter((line) => pattern.test(line)).length;
  }

  /** Waits until it has written that many lines that the pattern is in, and gives the last of them. */
  async line(pattern: RegExp, count: number = 1): Promise<string> {
    for (;;) {
      const found = this.#written.filter((line) => pattern.test(line))[count - 1];
      if (found !== undefined) return found;
      if (this.#ended) throw new Error(`${this.#name} ended:\n${this.#written.join("\n")}`);
      await this.#next.promise;
    }
  }

  /** Ends it, and waits until it has. */
  async end(signal: Deno.Signal): Promise<void> {
    if (!this.#ended) this.#process.kill(signal);
    await this.#process.status;
    await this.#reading;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGKILL");
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const line of lines(stream)) {
      this.#written.push(line);
      this.#next.resolve();
      this.#next = Promise.withResolvers();
    }
  }
}
