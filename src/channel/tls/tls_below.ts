import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";

/** What carries TLS during a handshake: its bytes pass through, and are heard, here. */
export interface TlsBelow {
  /** The socket below; addresses are asked of it. */
  readonly raw: Socket;
  /** What TLS is made over. */
  readonly stream: Duplex;
  /** What the server sent first, at most 16 bytes of it; empty at a server. */
  readonly firstBytes: Uint8Array;
  /** The group of the key exchange, as the ServerHello says. */
  readonly keyExchange: string;
  /** TLS was made over the stream. */
  carry(socket: TLSSocket): void;
  /** Stops reading from the raw socket until `release`. */
  hold(): void;
  /** Goes on reading. */
  release(): void;
  /** TLS has received its last byte: data after the peer's end is ignored (RFC 8446 §6.1) and discarded. */
  endReceived(): void;
}
