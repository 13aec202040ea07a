/** Lines of a child longer than this, in characters, are cut: its output must not fill the pool's memory. */
export const LONGEST_LINE: number = 1024 * 1024;

/**
 * Reads text as lines, without their ends; a last one without an end counts.
 *
 * @param longest What is cut into pieces is longer, in characters. Default: nothing is.
 */
export async function* readLines(
  bytes: AsyncIterable<Uint8Array<ArrayBufferLike>>,
  longest = Infinity,
): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of bytes) {
    const [end = "", ...begun] = decoder.decode(chunk, { stream: true }).split("\n");
    rest += end;
    for (const next of begun) {
      yield rest;
      rest = next;
    }
    if (rest.length > longest) {
      yield rest;
      rest = "";
    }
  }
  rest += decoder.decode();
  if (rest !== "") yield rest;
}
