/** How long any answer may take, in milliseconds; the longest takes a tenth of it. */
const ANSWER_MS = 30_000;

/** The answer, or that there is none: a test that waits for ever says nothing. */
export async function inTime(answer: Promise<string>): Promise<string> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve("no answer"), ANSWER_MS);
  });
  return await Promise.race([answer, late]).finally(() => clearTimeout(timer));
}
