/**
 * Writes a result as one line of JSON. What JSON does not have is written as what comes nearest:
 * bytes as base64, a `Map` as an array of entries, a `Set` as an array, a `bigint` as its digits.
 */
export function jsonOf(value: unknown): string {
  return JSON.stringify(value, replace) ?? "null";
}

function replace(this: unknown, _key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return value.toBase64();
  if (value instanceof Map || value instanceof Set) return [...value];
  return typeof value === "bigint" ? String(value) : value;
}
