/**
 * Fast path: small payloads of a stream that have arrived are decoded some at a time, and handed out one by one. What
 * decodes and what reads the items stay in the processor's caches so: an item of 32 bytes takes about 0.9 of the
 * processor time; see `docs/performance-changes.md`. Byte strings among them share a buffer, see `shared_bytes.ts`. The
 * plain path is {@linkcode decodePayload} for each item, as generators of streams do; `decoded_batch_test.ts` runs the
 * same items through both.
 */
import { DEFAULT_PAYLOAD_LIMITS, type PayloadLimits } from "./limits.ts";
import { decodePayload, type EncodedPayload, payloadLength, type PayloadRoot } from "./payload.ts";
import { SharedBytes, sharedSize } from "./shared_bytes.ts";

/**
 * So many are decoded at a time, of so many bytes: who keeps one item may keep the bytes of all of them. With 32 items a
 * stream of 32 bytes took 1.13 times the processor time of the end that receives it.
 */
const MOST_ITEMS = 128;
const MOST_BYTES = 4096;

/** Decoded items that were not handed out yet. What cannot be decoded is thrown in its place. */
export class DecodedBatch {
  readonly #root: PayloadRoot;
  readonly #limits: PayloadLimits;
  /** The items; while they are being decoded, their payloads. */
  readonly #values: unknown[] = [];
  #count = 0;
  #at = 0;
  #fault: { readonly error: unknown } | undefined;

  /** There are none. */
  constructor(root: PayloadRoot, limits: PayloadLimits = DEFAULT_PAYLOAD_LIMITS) {
    this.#root = root;
    this.#limits = limits;
  }

  /** Whether there are none. */
  get isEmpty(): boolean {
    return this.#at === this.#count && this.#fault === undefined;
  }

  /**
   * Decodes a payload, and those that `next` gives, where there are none.
   *
   * @throws {InvalidPayload} where the first cannot be decoded.
   */
  fill(first: EncodedPayload, next: () => EncodedPayload | undefined): void {
    this.#at = 0;
    this.#collect(first, next);
    const shared = this.#sharedBytes();
    const values = this.#values;
    let at = 0;
    try {
      for (; at < this.#count; at++) {
        const payload = values[at] as EncodedPayload;
        values[at] = shared?.decode(payload) ?? decodePayload(payload, this.#root, this.#limits);
      }
    } catch (error) {
      values.length = this.#count = at;
      this.#fault = { error };
      if (at === 0) this.take();
    }
  }

  /**
   * The next item, where there is one.
   *
   * @throws what decoding it, or asking for it, threw.
   */
  take(): unknown {
    if (this.#at < this.#count) {
      const value = this.#values[this.#at];
      this.#values[this.#at++] = undefined;
      return value;
    }
    const fault = this.#fault;
    this.#fault = undefined;
    throw fault?.error;
  }

  /** Forgets all of them. */
  drop(): void {
    this.#at = this.#count = this.#values.length = 0;
    this.#fault = undefined;
  }

  #collect(first: EncodedPayload, next: () => EncodedPayload | undefined): void {
    this.#values[0] = first;
    let count = 1;
    let bytes = payloadLength(first);
    try {
      while (count < MOST_ITEMS && bytes < MOST_BYTES) {
        const payload = next();
        if (payload === undefined) break;
        this.#values[count++] = payload;
        bytes += payloadLength(payload);
      }
    } catch (error) {
      this.#fault = { error };
    }
    this.#count = count;
  }

  /** The buffer of those that share one, where there are at least two. */
  #sharedBytes(): SharedBytes | undefined {
    if (this.#count === 1 || this.#limits.containers === 0) return undefined;
    let sharing = 0;
    let bytes = 0;
    for (let at = 0; at < this.#count; at++) {
      const size = sharedSize(this.#values[at] as EncodedPayload);
      if (size === 0) continue;
      sharing++;
      bytes += size;
    }
    return sharing > 1 ? new SharedBytes(bytes) : undefined;
  }
}
