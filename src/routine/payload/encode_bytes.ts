import type { allocate } from "../../values/mod.ts";
import { allocateLarge } from "../headroom.ts";
import { byteCount } from "./byte_count.ts";
import { BYTES, TWO_TO_32 } from "./cbor_format.ts";
import type { PayloadLimits } from "./limits.ts";

/** Up to here a loop over bytes is faster than `set`, which needs a view of them. */
export const LOOPED_BYTES = 64;

/** A byte string alone, copied once; `undefined` where it is neither very short nor long: then the encoder writes it. */
export function encodeBytes(
  value: Uint8Array,
  { bytes: maxBytes, containers }: PayloadLimits,
  allocateSmall: typeof allocate,
): Uint8Array | undefined {
  const length = byteCount(value);
  if (length <= LOOPED_BYTES && length + 2 <= maxBytes && containers > 0) {
    return encodeFew(value, length, allocateSmall);
  }
  const head = length < 0x10000 ? 3 : 5;
  if (length < 0x100 || length >= TWO_TO_32 || head + length > maxBytes) return undefined;
  const written = allocateLarge(head + length);
  if (written === undefined) return undefined;
  written[0] = (BYTES << 5) | (head === 3 ? 25 : 26);
  for (let at = 1, shift = 8 * (head - 2); shift >= 0; shift -= 8) written[at++] = length >>> shift;
  written.set(value, head);
  return written;
}

function encodeFew(value: Uint8Array, length: number, allocateSmall: typeof allocate): Uint8Array {
  const head = length < 24 ? 1 : 2;
  const written = allocateSmall(head + length);
  if (head === 1) written[0] = (BYTES << 5) | length;
  else {
    written[0] = (BYTES << 5) | 24;
    written[1] = length;
  }
  for (let at = 0; at < length; at++) written[head + at] = value[at]!;
  return written;
}
