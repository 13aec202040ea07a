import type { ByteChannel, ByteReceiver } from "../../../src/http2/byte_channel.ts";
import { PassingChannel } from "./passing_channel.ts";
import { FrameType, readUint31 } from "../../../src/http2/frame/frame_header.ts";

const FRAME_HEADER_BYTES = 9;

/** What has passed one direction, in octets of flow control (RFC 9113 §6.9). */
export interface PassedFlow {
  /** Payloads of DATA, padding included. */
  readonly dataBytes: number;
  /** Credit for the other direction's connection window. */
  readonly connectionCredit: number;
}

/** For tests: a channel that delivers what arrives only when it is asked to, in pieces of any size. */
export class HeldChannel extends PassingChannel {
  readonly #arrived: (Uint8Array | "end" | "closed")[] = [];
  readonly #flow: { dataBytes: number; connectionCredit: number } = {
    dataBytes: 0,
    connectionCredit: 0,
  };
  #receiver: ByteReceiver | undefined;
  #preface: number;
  #unparsed: Uint8Array = new Uint8Array(0);

  /** @param prefaceBytes what the other end sends before its first frame. */
  constructor(inner: ByteChannel, prefaceBytes: number) {
    super(inner);
    this.#preface = prefaceBytes;
  }

  /** What was delivered so far. */
  get flow(): PassedFlow {
    return this.#flow;
  }

  /** Whether anything waits to be delivered. */
  get holds(): boolean {
    return this.#arrived.length > 0;
  }

  /** Delivers at most so many octets, and the ends that follow them. */
  deliver(count: number = Infinity): void {
    while (this.#arrived.length > 0) {
      const [next] = this.#arrived;
      if (next instanceof Uint8Array) {
        if (count <= 0) return;
        const piece = next.slice(0, count);
        count -= piece.length;
        if (piece.length < next.length) this.#arrived[0] = next.slice(piece.length);
        else this.#arrived.shift();
        this.#count(piece);
        this.#receiver?.received(piece);
      } else {
        this.#arrived.shift();
        if (next === "end") this.#receiver?.ended();
        else this.#receiver?.closed(undefined);
      }
    }
  }

  override start(receiver: ByteReceiver): void {
    this.#receiver = receiver;
    this.inner.start({
      received: (bytes) => void this.#arrived.push(bytes),
      ended: () => void this.#arrived.push("end"),
      closed: () => void this.#arrived.push("closed"),
    });
  }

  #count(piece: Uint8Array): void {
    const bytes = new Uint8Array(this.#unparsed.length + piece.length);
    bytes.set(this.#unparsed);
    bytes.set(piece, this.#unparsed.length);
    const skipped = Math.min(this.#preface, bytes.length);
    this.#preface -= skipped;
    let at = skipped;
    while (bytes.length - at >= FRAME_HEADER_BYTES) {
      const length = bytes[at]! << 16 | bytes[at + 1]! << 8 | bytes[at + 2]!;
      const content = at + FRAME_HEADER_BYTES;
      if (bytes.length < content + length) break;
      if (bytes[at + 3] === FrameType.DATA) this.#flow.dataBytes += length;
      else if (bytes[at + 3] === FrameType.WINDOW_UPDATE && readUint31(bytes, at + 5) === 0) {
        this.#flow.connectionCredit += readUint31(bytes, content);
      }
      at = content + length;
    }
    this.#unparsed = bytes.slice(at);
  }
}
