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

/** Some bytes after others. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
