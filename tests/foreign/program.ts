import { Journal } from "../support/journal.ts";
import { TestProcess } from "../support/test_process.ts";

/** What a program reports of itself, one JSON object a line. */
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
 * A program with another project's HTTP/2, driven line by line: it is given its configuration
 * and then questions on its standard input, and reports events and answers on its standard output.
 */
export class Program implements AsyncDisposable {
  readonly #events = new Journal<ProgramEvent>();
  readonly #process: TestProcess;
  readonly #asked = new Map<number, PromiseWithResolvers<unknown>>();
  #questions = 0;
  #over = false;

  /** Starts it; `config` is the first line it reads. */
  constructor(command: readonly [string, ...string[]], config: unknown) {
    const [program, ...args] = command;
    this.#process = new TestProcess(program, {
      args,
      input: true,
      onLine: (line) => this.#read(JSON.parse(line)),
    });
    this.#process.ended.finally(() => this.#end());
    void this.#process.write(config);
  }

  /** What it has reported so far. */
  get events(): readonly ProgramEvent[] {
    return this.#events.entries;
  }

  /** Waits for the event of that name, the `count`th of it. */
  async until(name: string, count: number = 1): Promise<ProgramEvent> {
    return await this.#events.until(({ event }) => event === name, count);
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
    else void this.#process.write({ id, ask: what, ...about });
    return asked.promise as Promise<Answer>;
  }

  /** Ends it, and waits until everything it wrote is read. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.end();
  }

  #read(line: ProgramLine): void {
    if ("event" in line) this.#events.add(line);
    else if ("fault" in line) this.#answered(line.id)?.reject(new Error(line.fault));
    else this.#answered(line.id)?.resolve(line.answer);
  }

  #end(): void {
    this.#over = true;
    this.#events.end();
    for (const asked of this.#asked.values()) asked.reject(new Error("the program has ended"));
  }

  #answered(id: number): PromiseWithResolvers<unknown> | undefined {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    return asked;
  }
}
