/** Running the command in the process of the tests: a twentieth of the time that a process of its own takes. */
import process from "node:process";
import { reset } from "@logtape/logtape";
import { run } from "../../src/cli/run.ts";
import type { Ended } from "./command.ts";

/** Commands that wait for each other: there is one console, and one log. */
let last: Promise<unknown> = Promise.resolve();

/**
 * Runs `selvage ARGS` to its end in this process. What needs one of its own, `selvage()` of `command.ts` runs:
 * a worker that serves, the environment, permissions, standard input, signals, and one case of each command as users
 * start it.
 */
export async function inProcess(args: readonly string[]): Promise<Ended> {
  const ended = last.then(() => captured(args));
  last = ended.catch(() => {});
  return await ended;
}

async function captured(args: readonly string[]): Promise<Ended> {
  using out = new Captured(Deno.stdout, process.stdout);
  using err = new Captured(Deno.stderr, process.stderr);
  const before = { ...console };
  console.log = (text: string) => out.add(`${text}\n`);
  console.error = (text: string) => err.add(`${text}\n`);
  try {
    const code = await run(args);
    return { code, out: out.text, err: err.text };
  } finally {
    Object.assign(console, before);
    Deno.exitCode = 0;
    await reset();
  }
}

/** What is written to one output of this process, until it is disposed of. */
class Captured implements Disposable {
  text = "";
  readonly #restore: () => void;

  constructor(own: typeof Deno.stdout, ofNode: Pick<typeof process.stdout, "write">) {
    const decoder = new TextDecoder();
    const { write } = ofNode;
    // What a person sees on a terminal differs.
    own.isTerminal = () => false;
    own.writeSync = (bytes) => {
      this.add(decoder.decode(bytes, { stream: true }));
      return bytes.length;
    };
    ofNode.write = (text: string | Uint8Array) => {
      this.add(typeof text === "string" ? text : decoder.decode(text, { stream: true }));
      return true;
    };
    this.#restore = () => {
      Reflect.deleteProperty(own, "writeSync");
      Reflect.deleteProperty(own, "isTerminal");
      ofNode.write = write;
    };
  }

  add(text: string): void {
    this.text += text;
  }

  [Symbol.dispose](): void {
    this.#restore();
  }
}
