/**
 * Fast path: a few bytes that a caller sends to a routine are written with all that surrounds them at once. A view of
 * the payload, and another of the message around it, took 60 of the 140 ns of the message in its envelope; see
 * `docs/performance-changes.md`. The plain path is {@linkcode encodePayload} within {@linkcode encodeDuplexRequest};
 * `small_input_test.ts` runs the same items through both.
 */
import { allocateWithRoom } from "../../values/mod.ts";
import { BYTES } from "../payload/cbor_format.ts";
import { LOOPED_BYTES } from "../payload/encode_bytes.ts";
import type { PayloadLimits } from "../payload/limits.ts";
import { DELIMITED } from "./field_reader.ts";

/** The `value` of a `selvage.v1.DuplexRequest`, and the `cbor` of its payload. */
const VALUE_TAG = (2 << 3) | DELIMITED;
const CBOR_TAG = (1 << 3) | DELIMITED;
/** Both tags with their lengths, which take an octet each. */
const HEADS_BYTES = 4;

/** An item for a routine, with room before it; `undefined` where it is no byte string of a few bytes. */
export function encodeSmallInput(
  value: unknown,
  { bytes: maxBytes, containers }: PayloadLimits,
): Uint8Array | undefined {
  if (!(value instanceof Uint8Array)) return undefined;
  const { length } = value;
  if (length > LOOPED_BYTES || length + 2 > maxBytes || containers === 0) return undefined;
  const head = length < 24 ? 1 : 2;
  const message = allocateWithRoom(HEADS_BYTES + head + length);
  message[0] = VALUE_TAG;
  message[1] = 2 + head + length;
  message[2] = CBOR_TAG;
  message[3] = head + length;
  if (head === 1) message[4] = (BYTES << 5) | length;
  else {
    message[4] = (BYTES << 5) | 24;
    message[5] = length;
  }
  const from = HEADS_BYTES + head;
  for (let at = 0; at < length; at++) message[from + at] = value[at]!;
  return message;
}
