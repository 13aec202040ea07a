/**
 * Writes a value as one line of JSON. What JSON does not have is written as what comes nearest:
 * bytes as base64, a `Map` as an array of entries, a `Set` as an array, a `bigint` as its digits.
 * What JSON leaves as it is and a terminal may obey, or reorder its line by, is escaped.
 */
export function jsonOf(value: unknown): string {
  const json = JSON.stringify(value, replace) ?? "null";
  return json.replace(OBEYED, (character) =>
    Array.from(
      { length: character.length },
      (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`,
    ).join(""));
}

/** DEL and the second set of controls, formats (direction marks among them), and separators of lines. */
const OBEYED = /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu;

function replace(this: unknown, _key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return value.toBase64();
  if (value instanceof Map || value instanceof Set) return [...value];
  return typeof value === "bigint" ? String(value) : value;
}
