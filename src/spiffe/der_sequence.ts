/** The tag of a SEQUENCE, which every certificate is. */
const SEQUENCE = 0x30;

/** A length of four bytes is more than any message may hold. */
const LENGTH_BYTES = 4;

/**
 * Takes apart DER values that are written one after another, without looking into them; `undefined` where they are not
 * SEQUENCEs down to the last byte.
 */
export function splitDer(bytes: Uint8Array): readonly Uint8Array[] | undefined {
  const values: Uint8Array[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = endOfValue(bytes, start);
    if (end === undefined || end > bytes.length) return undefined;
    values.push(bytes.subarray(start, end));
    start = end;
  }
  return values;
}

/** Where the value ends, by its length (X.690 §8.1.3); `undefined` without a definite one. */
function endOfValue(bytes: Uint8Array, start: number): number | undefined {
  const first = bytes[start + 1];
  if (bytes[start] !== SEQUENCE || first === undefined) return undefined;
  if (first < 0x80) return start + 2 + first;
  const count = first & 0x7f;
  if (count === 0 || count > LENGTH_BYTES || start + 2 + count > bytes.length) return undefined;
  const digits = bytes.subarray(start + 2, start + 2 + count);
  // Not with shifts: the length may have 32 bits.
  const length = digits.reduce((sum, digit) => sum * 256 + digit, 0);
  return start + 2 + count + length;
}
