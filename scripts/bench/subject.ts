import { readLines } from "../../src/pool/line_reader.ts";
import type { Figure, Task } from "./scenarios.ts";

/** How to start a driver. */
export interface SubjectOptions {
  /** What it is called in the table. */
  readonly name: string;
  /** The program. Default: this Deno. */
  readonly program?: string;
  readonly args: readonly string[];
  readonly env?: Record<string, string>;
}

/** Something that is measured: a driver in a process of its own, asked for one figure at a time. */
export class Subject implements AsyncDisposable {
  /** What it is called in the table. */
  readonly name: string;
  readonly #process: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: AsyncIterator<string>;

  /** Starts the driver. */
  constructor({ name, program = Deno.execPath(), args, env = {} }: SubjectOptions) {
    this.name = name;
    const command = new Deno.Command(program, {
      args: [...args],
      env: { ...env, NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
    });
    this.#process = command.spawn();
    this.#writer = this.#process.stdin.getWriter();
    this.#lines = readLines(this.#process.stdout)[Symbol.asyncIterator]();
  }

  /** A figure; without a value where the subject does not know the scenario. */
  async measure(scenario: string, durationMs: number): Promise<Figure> {
    const task: Task = { scenario, durationMs };
    await this.#writer.write(new TextEncoder().encode(`${JSON.stringify(task)}\n`));
    const { done, value } = await this.#lines.next();
    if (done) throw new Error(`${this.name} ended`);
    return JSON.parse(value);
  }

  /** Ends the driver. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close().catch(() => {});
    await this.#process.status;
  }
}
