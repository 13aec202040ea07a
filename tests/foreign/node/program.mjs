// The line protocol of `program.ts`: a configuration, then questions; events and answers back.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** What the test wants, and `require` for the packages it installed. */
export const config = JSON.parse((await input.next()).value);
export const require = createRequire(config.packages);

/** Reports to the test what happens. */
export function tell(event, about = {}) {
  process.stdout.write(`${JSON.stringify({ event, ...about })}\n`);
}

/** Answers questions with the functions of `answers`, several at a time. */
export async function serve(answers) {
  for await (const line of input) {
    const { id, ask, ...about } = JSON.parse(line);
    Promise.resolve().then(() => answers[ask](about)).then(
      (answer) => process.stdout.write(`${JSON.stringify({ id, answer: answer ?? null })}\n`),
      (error) => process.stdout.write(`${JSON.stringify({ id, fault: String(error.stack) })}\n`),
    );
  }
  process.exit(0);
}

/** Bytes that show whether they arrived as they were. */
export function pattern(length) {
  const bytes = Buffer.allocUnsafe(length);
  for (let at = 0; at < length; at += 65536) {
    const end = Math.min(at + 65536, length);
    for (let n = at; n < end; n++) bytes[n] = n * 31;
  }
  return bytes;
}

/** A message for each `push`, until `end`. */
export class Pushed {
  #items = [];
  #wake = () => {};
  #ended = false;

  push(item) {
    this.#items.push(item);
    this.#wake();
  }

  end() {
    this.#ended = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator]() {
    for (;;) {
      while (this.#items.length > 0) yield this.#items.shift();
      if (this.#ended) return;
      await new Promise((resolve) => this.#wake = resolve);
    }
  }
}
