import { createHash } from "node:crypto";
import { HANDSHAKE_RECORD } from "./client_hello.ts";
import { MessageReader } from "./message_reader.ts";
import { joined } from "../../values/mod.ts";

/** A ServerHello beyond this is not read; the longest key share of the groups below takes 1.7 KiB. */
const SERVER_HELLO_BYTES = 4 * 1024;

const CHANGE_CIPHER_SPEC_RECORD = 0x14;
const RECORD_HEADER_BYTES = 5;
const MESSAGE_HEADER_BYTES = 4;
const SERVER_HELLO = 2;
const SUPPORTED_VERSIONS = 43;
const KEY_SHARE = 51;
const TLS_1_3 = 0x0304;

/** The `random` of a ServerHello that is a HelloRetryRequest: SHA-256 of that word (RFC 8446 §4.1.3). */
const RETRY_RANDOM = createHash("sha256").update("HelloRetryRequest").digest();

/** Groups by their code, as the IANA registry "TLS Supported Groups" names them. */
const GROUPS: Readonly<Record<number, string>> = {
  0x0017: "secp256r1",
  0x0018: "secp384r1",
  0x0019: "secp521r1",
  0x001d: "x25519",
  0x001e: "x448",
  0x0200: "MLKEM512",
  0x0201: "MLKEM768",
  0x0202: "MLKEM1024",
  0x11eb: "SecP256r1MLKEM768",
  0x11ec: "X25519MLKEM768",
  0x11ed: "SecP384r1MLKEM1024",
};

/** The group of a key exchange that was not seen: of TLS 1.2, or of the platform's own listener. */
export const UNKNOWN_GROUP = "unknown";

/**
 * Reads the group of the key exchange from what a TLS server sends first: the one thing about it that no interface
 * of the platform tells. Bytes may come cut anywhere; little of them is kept, and nothing once it is known.
 */
export class KeyExchangeReader {
  #group: string | undefined;
  /** The header of a record, as far as it has come. */
  #header: number[] = [];
  /** What is left of the record. */
  #left = 0;
  /** The handshake messages, as far as they have come. */
  #messages: Uint8Array | undefined = new Uint8Array(0);

  /** The group's name by IANA, or its number; {@linkcode UNKNOWN_GROUP} where it was not seen. */
  get group(): string {
    return this.#group ?? UNKNOWN_GROUP;
  }

  /** Whether nothing more is to be read. */
  get done(): boolean {
    return this.#messages === undefined;
  }

  /** Takes what the server sends next. */
  read(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && !this.done;) {
      if (this.#left === 0) {
        this.#header.push(bytes[at++]!);
        if (this.#header.length === RECORD_HEADER_BYTES) this.#begin();
        continue;
      }
      const part = bytes.subarray(at, at + this.#left);
      at += part.length;
      this.#left -= part.length;
      if (this.#header[0] === HANDSHAKE_RECORD) this.#gather(part);
      if (this.#left === 0) this.#header = [];
    }
  }

  #begin(): void {
    const [type, , , high = 0, low = 0] = this.#header;
    this.#left = high << 8 | low;
    const clear = type === HANDSHAKE_RECORD || type === CHANGE_CIPHER_SPEC_RECORD;
    if (!clear || this.#left === 0) this.#end();
  }

  #gather(part: Uint8Array): void {
    const before = this.#messages!;
    if (before.length + part.length > SERVER_HELLO_BYTES && before.length > 0) return this.#end();
    // In TLS 1.2 the whole first flight may be in one record, and only its first message is wanted.
    this.#messages = joined([before, part.subarray(0, SERVER_HELLO_BYTES)]);
    this.#decide();
  }

  #decide(): void {
    const messages = this.#messages!;
    if (messages.length < MESSAGE_HEADER_BYTES) return;
    const reader = new MessageReader(messages);
    if (reader.number(1) !== SERVER_HELLO) return this.#end();
    const length = reader.number(3);
    if (length > SERVER_HELLO_BYTES - MESSAGE_HEADER_BYTES) return this.#end();
    if (messages.length < MESSAGE_HEADER_BYTES + length) return;
    const found = groupIn(reader.take(length));
    if (found !== "retry") return this.#end(found);
    this.#messages = messages.subarray(MESSAGE_HEADER_BYTES + length);
    this.#decide();
  }

  #end(group?: number): void {
    this.#messages = undefined;
    if (group === undefined) return;
    this.#group = GROUPS[group] ?? `0x${group.toString(16).padStart(4, "0")}`;
  }
}

/** The group in a ServerHello; `retry` where that is a HelloRetryRequest, which another one follows. */
function groupIn(body: Uint8Array): number | "retry" | undefined {
  try {
    const hello = new MessageReader(body);
    hello.skip(2);
    if (RETRY_RANDOM.equals(hello.take(32))) return "retry";
    hello.skip(hello.number(1));
    hello.skip(2 + 1);
    if (hello.done) return undefined;
    return groupAmong(new MessageReader(hello.take(hello.number(2))));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function groupAmong(extensions: MessageReader): number | undefined {
  let version: number | undefined;
  let group: number | undefined;
  while (!extensions.done) {
    const type = extensions.number(2);
    const content = new MessageReader(extensions.take(extensions.number(2)));
    if (type === SUPPORTED_VERSIONS) version = content.number(2);
    if (type === KEY_SHARE) group = content.number(2);
  }
  return version === TLS_1_3 ? group : undefined;
}
