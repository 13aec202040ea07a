import { readSequence } from "../der/der.ts";
import { TAG } from "../der/der_values.ts";

/**
 * The two numbers of an ECDSA signature (RFC 3279 §2.2.3), each in as many bytes as the curve's order has, one after
 * the other: the form that Web Cryptography takes (§23.6). None where it is anything else.
 */
export function rawEcdsaSignature(
  signature: Uint8Array,
  orderBytes: number,
): Uint8Array<ArrayBuffer> | undefined {
  const raw = new Uint8Array(2 * orderBytes);
  try {
    const numbers = readSequence(signature, "the signature");
    for (const end of [orderBytes, 2 * orderBytes]) {
      const { contents } = numbers.next(TAG.integer, "the signature");
      const digits = contents[0] === 0 ? contents.subarray(1) : contents;
      // Negative, or too large for the curve.
      if (contents[0]! >= 0x80 || digits.length > orderBytes) return undefined;
      raw.set(digits, end - digits.length);
    }
    numbers.end("the signature");
    return raw;
  } catch {
    return undefined;
  }
}
