/**
 * Fast path: small byte strings that are decoded together are views of one buffer. A `Uint8Array` of its own takes 0.25
 * to 0.4 µs at any size, for V8 keeps its buffer outside of the heap, and 0.15 to free; a view takes 0.03. With them an
 * item of 32 bytes takes 0.53 to 0.73 of the processor time of the end that receives it; see
 * `docs/performance-changes.md`. The plain path is {@linkcode decodePayload}; `decoded_batch_test.ts` runs the same
 * items through both.
 */
import { markUntransferable } from "../../platform/mod.ts";
import { BYTES } from "./cbor_format.ts";
import type { EncodedPayload } from "./payload.ts";

/** A larger payload is not shared: who keeps one item keeps the bytes of all that were decoded with it. */
const MOST_BYTES = 128;

/** The heads of byte strings: up to 23 bytes, and those whose length is the next byte. */
const SHORT = BYTES << 5;
const LONGER = SHORT | 24;

/** The buffer of some byte strings. None of them can take it from the others by being transferred. */
export class SharedBytes {
  readonly #buffer: ArrayBuffer;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  #used = 0;

  /** @param size {@linkcode sharedSize} of all payloads together that are copied. */
  constructor(size: number) {
    this.#buffer = new ArrayBuffer(size);
    this.#bytes = new Uint8Array(this.#buffer);
    markUntransferable(this.#buffer);
  }

  /** The value of a payload, copied; `undefined` where it is not shared. */
  decode(payload: EncodedPayload): Uint8Array | undefined {
    const size = sharedSize(payload);
    if (size === 0) return undefined;
    const { bytes } = payload as { bytes: Uint8Array };
    const head = bytes[0]! < LONGER ? 1 : 2;
    const start = this.#used;
    this.#used += size;
    // With its head: that is faster than a loop, or a view of the rest.
    this.#bytes.set(bytes, start);
    return new Uint8Array(this.#buffer, start + head, size - head);
  }
}

/** How much of the buffer a payload takes; 0 where it is not a small byte string and nothing else. */
export function sharedSize(payload: EncodedPayload): number {
  if (payload.form !== "cbor") return 0;
  const { bytes } = payload;
  const size = bytes.length;
  const head = bytes[0]!;
  if (size > MOST_BYTES || head < SHORT || head > LONGER) return 0;
  const isAlone = head === LONGER ? bytes[1] === size - 2 : head - SHORT === size - 1;
  return isAlone ? size : 0;
}
