import { joined } from "../../values/mod.ts";

/** The longest line: an object of etcd has at most 1.5 MiB. */
const MAX_LINE_BYTES = 4 * 1024 * 1024;

/**
 * The JSON values of a stream that holds one a line, wherever its chunks end.
 *
 * @throws {Error} If a line is too long, or no JSON.
 */
export async function* jsonLines(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<unknown, void, undefined> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let line: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const text = decoder.decode(joined([...line, chunk.subarray(start, end)]));
      [line, length, start] = [[], 0, end + 1];
      if (text.trim() !== "") yield JSON.parse(text);
    }
    if (start === chunk.length) continue;
    line.push(chunk.slice(start));
    length += chunk.length - start;
    if (length > MAX_LINE_BYTES) throw new Error(`a line has more than ${MAX_LINE_BYTES} bytes`);
  }
  // A stream may break off within a line: what is cut is no value.
}

const NEWLINE = 0x0a;
