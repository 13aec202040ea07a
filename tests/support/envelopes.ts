import fc from "./fast_check.ts";
import { enveloped } from "./raw_call.ts";

/** A body in the pieces between `cuts`. */
export function cut(body: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const inside = cuts.filter((at) => at < body.length).sort((a, b) => a - b);
  const bounds = [0, ...inside, body.length];
  return bounds.slice(1).map((end, at) => body.slice(bounds[at], end));
}

/** The envelopes of a body that is whole. */
export function envelopes(body: Uint8Array): string[] {
  const found: string[] = [];
  for (let at = 0; at < body.length;) {
    const length = new DataView(body.buffer, body.byteOffset).getUint32(at + 1);
    found.push(`${body[at]} ${body.subarray(at + 5, at + 5 + length).toHex()}`);
    at += 5 + length;
  }
  return found;
}

/** The body as far as the first envelope that declares more than `maxBytes`. */
export function untilTooLarge(body: Uint8Array, maxBytes: number): Uint8Array {
  let at = 0;
  while (at + 5 <= body.length) {
    const length = new DataView(body.buffer, body.byteOffset).getUint32(at + 1);
    if (length > maxBytes) return body.subarray(0, at);
    at += 5 + length;
  }
  return body;
}

/** Where a body may be cut. */
export const anyCuts = fc.array(fc.nat(420), { maxLength: 5 });
/** Envelopes of messages: mostly fine, some flagged, some that declare more or less than they hold. */
export const anyEnvelope = (message: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> =>
  fc.record({
    message,
    flags: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, fc.nat(255)),
    more: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, fc.integer({ min: -3, max: 2 ** 31 })),
  }).map(({ message, flags, more }) =>
    enveloped(message, flags, Math.max(0, message.byteLength + more))
  );
