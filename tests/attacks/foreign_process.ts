import { lines } from "../support/lines.ts";

/** What a foreign peer tells of itself, one JSON object a line. */
export interface ForeignEvent {
  readonly event: string;
  readonly [key: string]: unknown;
}

/** A peer that nobody here wrote, under Node: it reports what happens to it. */
export class ForeignProcess implements AsyncDisposable {
  /** What it has told so far. */
  readonly events: ForeignEvent[] = [];
  readonly #process: Deno.ChildProcess;
  readonly #reading: Promise<void>;
  #waiting: (() => void)[] = [];
  #over = false;

  /** Starts a script of this folder, or another command, and gives it `config` on its standard input. */
  constructor(
    program: "foreign_server.mjs" | "foreign_client.mjs" | readonly [string, ...string[]],
    config: unknown,
  ) {
    const [command, ...args] = typeof program === "string"
      ? ["node", new URL(program, import.meta.url).pathname] as const
      : program;
    this.#process = new Deno.Command(command, {
      args,
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const writer = this.#process.stdin.getWriter();
    writer.write(new TextEncoder().encode(JSON.stringify(config))).then(() => writer.close());
    this.#reading = this.#read();
  }

  /** Waits for the event of that name, the `count`th of it. */
  async until(name: string, count = 1): Promise<ForeignEvent> {
    for (;;) {
      const found = this.events.filter(({ event }) => event === name)[count - 1];
      if (found !== undefined) return found;
      if (this.#over) {
        throw new Error(`the peer ended without ${name}: ${JSON.stringify(this.events)}`);
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** The events of that name so far. */
  of(name: string): ForeignEvent[] {
    return this.events.filter(({ event }) => event === name);
  }

  /** Ends it and waits until it has told everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.#process.status;
    await this.#reading;
  }

  /** Waits until it has ended by itself. */
  async done(): Promise<void> {
    await this.#process.status;
    await this.#reading;
  }

  async #read(): Promise<void> {
    for await (const line of lines(this.#process.stdout)) {
      this.events.push(JSON.parse(line));
      this.#wake();
    }
    this.#over = true;
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
