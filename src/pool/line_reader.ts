/** Lines longer than this are cut into pieces: a child's output must not fill the pool's memory. */
const LONGEST_LINE = 1024 * 1024;

/** Reads text as lines, without their ends; a last one without an end counts. */
export async function* readLines(
  bytes: AsyncIterable<Uint8Array<ArrayBufferLike>>,
): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of bytes) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
    if (rest.length > LONGEST_LINE) {
      yield rest;
      rest = "";
    }
  }
  rest += decoder.decode();
  if (rest !== "") yield rest;
}
