import { joined } from "../../values/mod.ts";
import { MessageReader } from "./message_reader.ts";

/** The first byte of a TLS record that carries a handshake message (RFC 8446 §5.1). */
export const HANDSHAKE_RECORD = 0x16;

/** A ClientHello beyond this is not looked at further. */
export const CLIENT_HELLO_BYTES = 16 * 1024;

const CLIENT_HELLO = 1;
const ALPN = 16;
const SESSION_TICKET = 35;
const PRE_SHARED_KEY = 41;

/** What a client asks for in the open. */
export interface ClientHello {
  /** Whether it wants to resume a session: `pre_shared_key` (RFC 8446 §4.2.11), or a ticket that is not empty (RFC 5077 §3.2). */
  readonly resumes: boolean;
  /** The protocols it offers by ALPN (RFC 7301 §3.1). */
  readonly protocols: readonly string[];
}

/** What a connection's first bytes ask for where they are no ClientHello, or one too long to be read. */
const NOTHING_ASKED: ClientHello = { resumes: false, protocols: [] };

/** Reads the ClientHello at the start of a connection; `undefined` where more bytes are needed. */
export function readClientHello(bytes: Uint8Array): ClientHello | undefined {
  const hello = new MessageReader(handshakeBytes(bytes));
  try {
    if (hello.number(1) !== CLIENT_HELLO) return NOTHING_ASKED;
    hello.skip(3 + 2 + 32);
    hello.skip(hello.number(1));
    hello.skip(hello.number(2));
    hello.skip(hello.number(1));
    return readExtensions(new MessageReader(hello.take(hello.number(2))));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return bytes.length < CLIENT_HELLO_BYTES ? undefined : NOTHING_ASKED;
  }
}

function readExtensions(extensions: MessageReader): ClientHello {
  let resumes = false;
  let protocols: readonly string[] = [];
  while (!extensions.done) {
    const type = extensions.number(2);
    const length = extensions.number(2);
    const content = extensions.take(length);
    if (type === PRE_SHARED_KEY || (type === SESSION_TICKET && length > 0)) resumes = true;
    if (type === ALPN) protocols = readProtocols(new MessageReader(content));
  }
  return { resumes, protocols };
}

function readProtocols(list: MessageReader): readonly string[] {
  const names = new MessageReader(list.take(list.number(2)));
  const protocols: string[] = [];
  while (!names.done) protocols.push(String.fromCharCode(...names.take(names.number(1))));
  return protocols;
}

/** What the handshake records at the start of `bytes` carry; a ClientHello may be cut into several. */
function handshakeBytes(bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  let at = 0;
  while (at + 5 <= bytes.length && bytes[at] === HANDSHAKE_RECORD) {
    const length = (bytes[at + 3] ?? 0) << 8 | (bytes[at + 4] ?? 0);
    parts.push(bytes.subarray(at + 5, at + 5 + length));
    at += 5 + length;
  }
  return joined(parts);
}
