import { Buffer } from "node:buffer";
import { DEFAULT_PAYLOAD_LIMITS } from "../payload/limits.ts";
import { type EncodedPayload, encodePayload, type PayloadForm } from "../payload/payload.ts";

/**
 * What a failure may still take. It travels in a header in gRPC, and a header list is limited to
 * 16 KiB: 8 KiB of detail are 11 KiB in base64.
 */
export class Allowance {
  readonly #form: PayloadForm;
  #bytes: number;

  /** @param form what values are written in. */
  constructor(bytes: number, form: PayloadForm) {
    this.#bytes = bytes;
    this.#form = form;
  }

  /** As much of a text as there is room for, and at most `limit` bytes of it in UTF-8. */
  text(text: string, limit: number): string {
    const room = new Uint8Array(Math.min(limit, this.#bytes));
    const { read, written } = utf8.encodeInto(text, room);
    this.#bytes -= written;
    return text.slice(0, read).toWellFormed();
  }

  /** A value, where it can travel and there is room for it. */
  payload(value: unknown): EncodedPayload | undefined {
    const payload = encoded(value, this.#bytes, this.#form);
    if (payload !== undefined) this.#bytes -= sizeOf(payload);
    return payload;
  }

  /** An object of those properties that can travel and that there is room for. */
  properties(properties: Iterable<readonly [string, unknown]>): EncodedPayload | undefined {
    const kept: Record<string, unknown> = {};
    let bytes = 0;
    for (const [key, value] of properties) {
      const payload = encoded({ [key]: value }, this.#bytes - bytes, this.#form);
      if (payload === undefined) continue;
      kept[key] = value;
      bytes += sizeOf(payload);
    }
    return bytes === 0 ? undefined : this.payload(kept);
  }
}

const utf8 = new TextEncoder();

function encoded(value: unknown, bytes: number, form: PayloadForm): EncodedPayload | undefined {
  try {
    return encodePayload(value, "data", { form, limits: { ...DEFAULT_PAYLOAD_LIMITS, bytes } });
  } catch {
    // What cannot travel, or is too large, is left out: the rest of the failure matters more.
    return undefined;
  }
}

function sizeOf(payload: EncodedPayload): number {
  return payload.form === "cbor" ? payload.bytes.length : Buffer.byteLength(payload.text);
}
