import { joined, OctetReader, type Octets, uint, vector } from "./octets.ts";

/** The messages of a handshake (RFC 8446 §4). */
export const MESSAGE = {
  clientHello: 1,
  serverHello: 2,
  encryptedExtensions: 8,
  certificate: 11,
  certificateRequest: 13,
  certificateVerify: 15,
  finished: 20,
  keyUpdate: 24,
  messageHash: 254,
} as const;

/** One message. */
export interface Message {
  /** One of {@linkcode MESSAGE}, or whatever was sent. */
  readonly type: number;
  readonly body: Octets;
  /** All of it, header and body. */
  readonly octets: Octets;
}

/** Writes a message. */
export function message(type: number, ...body: readonly Uint8Array[]): Octets {
  return joined(uint(type, 1), vector(3, ...body));
}

/** Puts messages together that records had cut apart. */
export class MessageAssembly {
  #pending: Octets = new Uint8Array(0);

  /** Adds what a record carried, and takes out the messages that are whole. */
  *add(content: Octets): Generator<Message> {
    this.#pending = joined(this.#pending, content);
    while (this.#pending.length >= 4) {
      const header = new OctetReader(this.#pending);
      const type = header.uint(1);
      const length = 4 + header.uint(3);
      if (this.#pending.length < length) return;
      const octets = this.#pending.slice(0, length);
      this.#pending = this.#pending.slice(length);
      yield { type, body: octets.slice(4), octets };
    }
  }
}
