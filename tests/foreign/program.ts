import { lines } from "../support/lines.ts";

/** What a program tells of itself, one JSON object a line. */
export interface ProgramEvent {
  readonly event: string;
  readonly [key: string]: unknown;
}

/** One line of a program: what happens to it, or its answer to a question. */
type ProgramLine =
  | ProgramEvent
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly fault: string };

/**
 * A program that nobody here wrote the HTTP/2 of, driven line by line: it is given its configuration
 * and then questions on its standard input, and tells events and answers on its standard output.
 */
export class Program implements AsyncDisposable {
  /** What it has told so far. */
  readonly events: ProgramEvent[] = [];
  readonly #process: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<void>;
  readonly #asked = new Map<number, PromiseWithResolvers<unknown>>();
  #told = Promise.withResolvers<void>();
  #questions = 0;
  #over = false;

  /** Starts it; `config` is the first line it reads. */
  constructor(command: readonly [string, ...string[]], config: unknown) {
    const [program, ...args] = command;
    this.#process = new Deno.Command(program, { args, stdin: "piped", stdout: "piped" }).spawn();
    this.#input = this.#process.stdin.getWriter();
    this.#reading = this.#read();
    this.#write(config);
  }

  /** Waits for the event of that name, the `count`th of it. */
  async until(name: string, count: number = 1): Promise<ProgramEvent> {
    for (;;) {
      const found = this.of(name)[count - 1];
      if (found !== undefined) return found;
      if (this.#over) throw new Error(`the program ended without telling ${name}`);
      await this.#told.promise;
    }
  }

  /** The events of that name so far. */
  of(name: string): ProgramEvent[] {
    return this.events.filter(({ event }) => event === name);
  }

  /** Has it do something, and waits for what it answers. */
  ask<Answer>(what: string, about: Readonly<Record<string, unknown>> = {}): Promise<Answer> {
    const id = ++this.#questions;
    const asked = Promise.withResolvers<unknown>();
    this.#asked.set(id, asked);
    if (this.#over) asked.reject(new Error("the program has ended"));
    else this.#write({ id, ask: what, ...about });
    return asked.promise as Promise<Answer>;
  }

  /** Ends it, and waits until it has told everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.#process.status;
    await this.#reading;
    await this.#input.abort().catch(() => {});
  }

  #write(line: unknown): void {
    // A program that has ended reads nothing: whoever waits for it is told by `#read`.
    this.#input.write(new TextEncoder().encode(JSON.stringify(line) + "\n")).catch(() => {});
  }

  async #read(): Promise<void> {
    for await (const text of lines(this.#process.stdout)) {
      const line: ProgramLine = JSON.parse(text);
      if ("event" in line) this.events.push(line);
      else if ("fault" in line) this.#answered(line.id)?.reject(new Error(line.fault));
      else this.#answered(line.id)?.resolve(line.answer);
      this.#wake();
    }
    this.#over = true;
    for (const asked of this.#asked.values()) asked.reject(new Error("the program has ended"));
    this.#wake();
  }

  #answered(id: number): PromiseWithResolvers<unknown> | undefined {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    return asked;
  }

  #wake(): void {
    this.#told.resolve();
    this.#told = Promise.withResolvers();
  }
}
