import type { ByteChannel } from "../byte_channel.ts";
import { NO_BYTES } from "../../values/mod.ts";

/**
 * What DATA fills a write up to: three whole frames, each a TLS record. The platform encrypts so much of a write at
 * once, and the rest when that was sent, in a record and a write of its own.
 */
export const WHOLE_WRITE_BYTES = 49_152;

/** Octets of a buffer: one write to the socket at most, and what has to have room behind its last DATA. */
export const OUTPUT_BUFFER_BYTES: number = WHOLE_WRITE_BYTES + 64;

/** Buffers that wait to be used again by any connection of the process. */
const MAX_FREE_BUFFERS = 64;

const free: Uint8Array[] = [];

interface Segment {
  readonly bytes: Uint8Array;
  /** Writes of it that the channel has not reported as written. */
  outstanding: number;
}

/**
 * Frames gathered in buffers that are used again: written at `bytes[at]` by the code that reserved room, and
 * handed to the channel by `send`. A connection that has nothing to say holds no buffer.
 */
export class Output {
  /** Where to write. */
  bytes: Uint8Array = NO_BYTES;
  /** Where the next octet goes. */
  at = 0;
  /** Octets handed to the channel and not yet written by it. */
  inFlight = 0;
  readonly #channel: ByteChannel;
  readonly #onWritten: () => void;
  #segment: Segment | undefined;
  /** Where what was not handed over yet begins. */
  #from = 0;

  /** @param onWritten called when the channel has written something. */
  constructor(channel: ByteChannel, onWritten: () => void) {
    this.#channel = channel;
    this.#onWritten = onWritten;
  }

  /** Octets left in the buffer. */
  get room(): number {
    return this.bytes.length - this.at;
  }

  /** Octets gathered and not handed over. */
  get gathered(): number {
    return this.at - this.#from;
  }

  /** Makes room for `count` octets in one piece, in a new buffer where this one has too little left. */
  reserve(count: number): void {
    if (this.room >= count) return;
    this.send();
    const bytes = count > OUTPUT_BUFFER_BYTES
      ? new Uint8Array(count)
      : free.pop() ?? new Uint8Array(OUTPUT_BUFFER_BYTES);
    this.#segment = { bytes, outstanding: 0 };
    this.bytes = bytes;
    this.at = this.#from = 0;
  }

  /** Hands over what was gathered, and returns whether there was anything. */
  send(): boolean {
    const segment = this.#segment;
    const count = this.at - this.#from;
    if (!segment || count === 0) return false;
    const bytes = segment.bytes.subarray(this.#from, this.at);
    this.#from = this.at;
    this.inFlight += count;
    segment.outstanding++;
    this.#channel.write(bytes, () => this.#written(segment, count));
    return true;
  }

  #written(segment: Segment, count: number): void {
    this.inFlight -= count;
    if (--segment.outstanding === 0) this.#recycle(segment);
    this.#onWritten();
  }

  #recycle(segment: Segment): void {
    if (segment === this.#segment) {
      if (this.at > this.#from) return;
      this.#segment = undefined;
      this.bytes = NO_BYTES;
      this.at = this.#from = 0;
    }
    if (segment.bytes.length === OUTPUT_BUFFER_BYTES && free.length < MAX_FREE_BUFFERS) {
      free.push(segment.bytes);
    }
  }
}
