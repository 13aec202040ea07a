import { unusable } from "../errors/mod.ts";
import { joined } from "../values/mod.ts";

/** The longest line in bytes: the 4 MiB that a message may have. */
const MAX_LINE_BYTES = 4 * 1024 * 1024;

/**
 * Reads values from lines of JSON, each line only when its value is asked for. Empty lines are
 * skipped.
 *
 * @param name What is read, for errors: `standard input` for instance.
 * @param maxLineBytes The longest line in bytes. Default: 4 MiB.
 * @returns The values. They throw a `ConfigurationError` for a line that is too long, is not UTF-8
 * or is not JSON.
 */
export async function* jsonLines(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
  maxLineBytes = MAX_LINE_BYTES,
): AsyncGenerator<unknown, void, undefined> {
  let number = 0;
  for await (const line of lines(chunks, maxLineBytes)) {
    number += 1;
    const fault = (what: string, cause?: unknown) =>
      unusable(name, `line ${number} of ${name} ${what}`, cause);
    if (line === undefined) throw fault(`is longer than ${maxLineBytes} bytes`);
    const text = textOf(line);
    if (text === undefined) throw fault("is not UTF-8");
    if (text.trim() === "") continue;
    try {
      yield JSON.parse(text);
    } catch (cause) {
      // A consumer's own error comes in through `return`, so this is the parser's.
      throw fault("is not JSON; write one JSON value a line", cause);
    }
  }
}

/** The lines without their ends; `undefined` for one that is too long, and nothing after it. */
async function* lines(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Uint8Array | undefined, void, undefined> {
  let parts: Uint8Array[] = [];
  let held = 0;
  for await (const chunk of chunks) {
    for (let rest = chunk; rest.length > 0;) {
      const end = rest.indexOf(LINE_FEED);
      const part = end < 0 ? rest : rest.subarray(0, end);
      held += part.length;
      if (held > maxBytes) return yield undefined;
      parts.push(part);
      if (end < 0) break;
      yield joined(parts);
      parts = [];
      held = 0;
      rest = rest.subarray(end + 1);
    }
  }
  if (held > 0) yield joined(parts);
}

const LINE_FEED = 0x0a;

function textOf(line: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(line);
  } catch {
    return undefined; // reported as invalid by the caller
  }
}
