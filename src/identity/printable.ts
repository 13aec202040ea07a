/** The most characters of peer-made text in a log line or an error. */
export const MAX_PRINTABLE = 256;

/** Peer-made text fit for a log line: control and direction characters escaped, capped. */
export function printable(text: string): string {
  const safe = text.slice(0, MAX_PRINTABLE + 1).replace(
    // deno-lint-ignore no-control-regex -- the control characters are what is looked for.
    /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\p{Cs}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
  return safe.length > MAX_PRINTABLE ? `${safe.slice(0, MAX_PRINTABLE - 1)}…` : safe;
}
