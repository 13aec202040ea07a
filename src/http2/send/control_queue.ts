import type { ErrorCode } from "../error_code.ts";
import { encodePing } from "../frame/ping.ts";
import { encodeRstStream } from "../frame/rst_stream.ts";
import { encodeWindowUpdate } from "../frame/window_update.ts";
import type { Output } from "./output.ts";
import { NO_BYTES } from "../../values/mod.ts";

const INITIAL_BYTES = 256;

/** A buffer that no connection uses: one is enough for those that take turns. */
let spare: Uint8Array | undefined;

/** The largest frame of fixed size: a PING. */
const FIXED_FRAME_BYTES = 17;

/** Frames that concern no message's content, encoded and waiting for their turn, which is the next. */
export class ControlQueue {
  /** Empty while nothing waits. */
  #bytes: Uint8Array = NO_BYTES;
  #length = 0;

  /** Octets that wait. */
  get length(): number {
    return this.#length;
  }

  /** Queues a WINDOW_UPDATE. */
  windowUpdate(streamId: number, increment: number): void {
    this.#reserve(FIXED_FRAME_BYTES);
    this.#length = encodeWindowUpdate(this.#bytes, this.#length, streamId, increment);
  }

  /** Queues a RST_STREAM. */
  rstStream(streamId: number, code: ErrorCode): void {
    this.#reserve(FIXED_FRAME_BYTES);
    this.#length = encodeRstStream(this.#bytes, this.#length, streamId, code);
  }

  /** Queues a PING with the eight octets at `from`. */
  ping(ack: boolean, opaque: Uint8Array, from: number): void {
    this.#reserve(FIXED_FRAME_BYTES);
    this.#length = encodePing(this.#bytes, this.#length, ack, opaque, from);
  }

  /** Queues encoded frames. */
  frames(encoded: Uint8Array): void {
    this.#reserve(encoded.length);
    this.#bytes.set(encoded, this.#length);
    this.#length += encoded.length;
  }

  /** Drops what waits. */
  clear(): void {
    this.#length = 0;
  }

  /** Moves everything to the output. */
  moveTo(output: Output): void {
    if (this.#length === 0) return;
    output.reserve(this.#length);
    output.bytes.set(this.#bytes.subarray(0, this.#length), output.at);
    output.at += this.#length;
    this.#length = 0;
    if (this.#bytes.length === INITIAL_BYTES) spare = this.#bytes;
    this.#bytes = NO_BYTES;
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    if (this.#length === 0 && count <= INITIAL_BYTES) {
      this.#bytes = spare ?? new Uint8Array(INITIAL_BYTES);
      spare = undefined;
      return;
    }
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
