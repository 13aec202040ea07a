import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { ByteChannel, ByteReceiver } from "../http2/mod.ts";
import { setImmediate } from "node:timers";
import { moveToSocket, type NativeReading } from "./tls/native_transport.ts";
import { HandleTransport } from "./tls/handle_transport.ts";
import { RawDuplex } from "./tls/raw_duplex.ts";
import type { TlsBelow } from "./tls/tls_below.ts";
import { freeBuffer } from "../values/mod.ts";

/** A plain TCP or unix socket as a byte channel; `arrived` is what was already read from it. */
export function plainChannel(socket: Socket, arrived?: Uint8Array): ByteChannel {
  return new SocketChannel(socket, socket, socket, arrived);
}

/**
 * A TLS socket as a byte channel. Over a {@linkcode RawDuplex} TLS moves onto the raw socket once the channel was
 * started, and so its peer is proven, as soon as nothing is under way between the two; else it is there already.
 */
export function tlsChannel(socket: TLSSocket, below: TlsBelow): ByteChannel {
  const settled = below instanceof HandleTransport ? below.settle() : undefined;
  return new SocketChannel(socket, below.raw, new TlsReading(socket, settled ?? below));
}

/** What stops and resumes reading. */
interface ReadControl {
  pause(): void;
  resume(): void;
  /** The peer has ended its direction. */
  endReceived?(): void;
  /** Whether `move` is to be called, in a turn of its own, after something was read or written. */
  readonly mayMove?: boolean;
  move?(): void;
}

/** How often it is tried to move TLS of one channel: one that is never at rest stays where it is. */
const MOST_ATTEMPTS = 256;

/** Reading of a TLS socket: over the duplex stream until TLS has moved onto the raw socket. */
class TlsReading implements ReadControl {
  #socket: TLSSocket | undefined;
  #below: TlsBelow | NativeReading;
  #attempts = 0;

  constructor(socket: TLSSocket, below: TlsBelow | NativeReading) {
    this.#socket = below instanceof RawDuplex ? socket : undefined;
    this.#below = below;
  }

  pause(): void {
    this.#below.hold();
  }

  resume(): void {
    this.#below.release();
  }

  endReceived(): void {
    this.#below.endReceived();
  }

  get mayMove(): boolean {
    return this.#socket !== undefined && this.#attempts < MOST_ATTEMPTS;
  }

  move(): void {
    const below = this.#below;
    if (this.#socket === undefined || !(below instanceof RawDuplex)) return;
    this.#attempts++;
    const reading = moveToSocket(this.#socket, below);
    if (reading === undefined) return;
    this.#socket = undefined;
    this.#below = reading;
    if (below.isHeld) reading.hold();
    else reading.release();
  }
}

class SocketChannel implements ByteChannel {
  readonly #stream: Socket;
  readonly #raw: Socket;
  readonly #reading: ReadControl;
  #arrived: Uint8Array | undefined;
  #paused = false;
  #receiver: ByteReceiver | undefined;
  #error: Error | undefined;
  #ended = false;
  #isMoving = false;
  #over: "open" | "closed" | "reported" = "open";

  constructor(stream: Socket, raw: Socket, reading: ReadControl, arrived?: Uint8Array) {
    this.#stream = stream;
    this.#raw = raw;
    this.#reading = reading;
    this.#arrived = arrived;
    stream.on("error", (error: Error) => {
      this.#error ??= error;
      raw.destroy();
    });
    stream.once("end", () => {
      this.#ended = true;
      this.#reading.endReceived?.();
      this.#reportEnd();
    });
    stream.on("close", () => this.#close());
    raw.on("close", () => this.#settle());
  }

  start(receiver: ByteReceiver): void {
    if (this.#receiver !== undefined) throw new TypeError("a channel is started once");
    this.#receiver = receiver;
    const arrived = this.#arrived;
    this.#arrived = undefined;
    if (arrived !== undefined) receiver.received(new Uint8Array(arrived));
    // The peer may have ended before anyone listened.
    if (this.#ended) queueMicrotask(() => this.#reportEnd());
    this.#stream.on("data", ({ buffer, byteOffset, byteLength }: Uint8Array) => {
      // The `slice` of a `Buffer` copies nothing.
      const bytes = new Uint8Array(buffer, byteOffset, byteLength);
      if (receiver.received(bytes) === true) freeBuffer(bytes);
      this.#moveSoon();
    });
    if (!this.#paused) this.#reading.resume();
    this.#moveSoon();
    if (this.#over === "closed") queueMicrotask(() => this.#reportClosed());
  }

  write(bytes: Uint8Array, written: () => void): void {
    if (!this.#stream.writable) return;
    this.#stream.write(bytes, (error) => {
      if (error) return;
      written();
      this.#moveSoon();
    });
  }

  pause(): void {
    this.#paused = true;
    this.#reading.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#reading.resume();
  }

  end(): void {
    this.#stream.end();
  }

  destroy(): void {
    this.#stream.destroy();
    this.#raw.destroy();
  }

  #moveSoon(): void {
    if (this.#isMoving || this.#receiver === undefined || this.#reading.mayMove !== true) return;
    this.#isMoving = true;
    setImmediate(() => {
      this.#isMoving = false;
      if (this.#over === "open" && !this.#ended) this.#reading.move?.();
    });
  }

  /** The raw socket is gone: TLS delivers what it still has, and then there is nothing left to wait for. */
  #settle(): void {
    if (this.#stream === this.#raw || this.#stream.destroyed) return;
    if (this.#stream.readableEnded || !this.#raw.readableEnded) this.#stream.destroy();
    else this.#stream.once("end", () => this.#stream.destroy());
  }

  #reportEnd(): void {
    if (this.#over !== "reported") this.#receiver?.ended();
  }

  #close(): void {
    if (this.#over !== "open") return;
    this.#over = "closed";
    // TLS on the socket's handle does not take the socket with it.
    this.#raw.destroy();
    this.#reportClosed();
  }

  #reportClosed(): void {
    if (this.#receiver === undefined || this.#over !== "closed") return;
    this.#over = "reported";
    this.#receiver.closed(this.#error);
  }
}
