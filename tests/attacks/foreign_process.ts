import { Journal } from "../support/journal.ts";
import { TestProcess } from "../support/test_process.ts";

/** What a foreign peer reports of itself, one JSON object a line. */
export interface ForeignEvent {
  readonly event: string;
  readonly [key: string]: unknown;
}

/** A peer that nobody here wrote, under Node: it reports what happens to it. */
export class ForeignProcess implements AsyncDisposable {
  readonly #events = new Journal<ForeignEvent>();
  readonly #process: TestProcess;

  /** Starts a script of this folder, or another command, and gives it `config` on its standard input. */
  constructor(
    program: "foreign_server.mjs" | "foreign_client.mjs" | readonly [string, ...string[]],
    config: unknown,
  ) {
    const [command, ...args] = typeof program === "string"
      ? ["node", new URL(program, import.meta.url).pathname] as const
      : program;
    this.#process = new TestProcess(command, {
      args,
      input: true,
      onLine: (line) => this.#events.add(JSON.parse(line)),
    });
    this.#process.ended.finally(() => this.#events.end());
    void this.#process.write(config).then(() => this.#process.closeInput());
  }

  /** What it has reported so far. */
  get events(): readonly ForeignEvent[] {
    return this.#events.entries;
  }

  /** Waits for the event of that name, the `count`th of it. */
  async until(name: string, count: number = 1): Promise<ForeignEvent> {
    return await this.#events.until(({ event }) => event === name, count);
  }

  /** The events of that name so far. */
  of(name: string): ForeignEvent[] {
    return this.events.filter(({ event }) => event === name);
  }

  /** Ends it and waits until everything it wrote is read. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.end();
  }

  /** Waits until it has ended by itself. */
  async done(): Promise<void> {
    await this.#process.ended;
  }
}
