import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { ByteChannel, ByteReceiver } from "../http2/mod.ts";
import { setImmediate } from "node:timers";
import { type HandleBytes, takeHandle } from "./tls/handle_bytes.ts";
import { moveToSocket, NativeReading } from "./tls/native_transport.ts";
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
  /** Takes reading and writing over from the streams; `undefined` where it can not be done, or not yet. */
  takeHandle?(received: (bytes: Uint8Array) => void): HandleBytes | undefined;
}

/** How often it is tried to move TLS of one channel: one that is never at rest stays where it is. */
const MOST_ATTEMPTS = 256;

/** Reading of a TLS socket: over the duplex stream until TLS has moved onto the raw socket. */
class TlsReading implements ReadControl {
  readonly #socket: TLSSocket;
  #below: TlsBelow | NativeReading;
  #attempts = 0;

  constructor(socket: TLSSocket, below: TlsBelow | NativeReading) {
    this.#socket = socket;
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
    return this.#below instanceof RawDuplex && this.#attempts < MOST_ATTEMPTS;
  }

  move(): void {
    const below = this.#below;
    if (!(below instanceof RawDuplex)) return;
    this.#attempts++;
    const reading = moveToSocket(this.#socket, below);
    if (reading === undefined) return;
    this.#below = reading;
    if (below.isHeld) reading.hold();
    else reading.release();
  }

  takeHandle(received: (bytes: Uint8Array) => void): HandleBytes | undefined {
    if (!(this.#below instanceof NativeReading)) return;
    return takeHandle(this.#socket, this.#below.raw, received);
  }
}

/** Takes all listeners off a socket that is closed: those of a `close` that is being emitted are still called. */
function letGoOf(socket: Socket): void {
  socket.removeAllListeners();
  // Without a listener, an error that it still reports would end the process.
  socket.on("error", ignoreError);
}

function ignoreError(): void {}

class SocketChannel implements ByteChannel {
  readonly #stream: Socket;
  readonly #raw: Socket;
  readonly #reading: ReadControl;
  #arrived: Uint8Array | undefined;
  /** In place of the streams, where they can be done without. */
  #bytes: HandleBytes | undefined;
  #paused = false;
  #receiver: ByteReceiver | undefined;
  #error: Error | undefined;
  #ended = false;
  #isMoving = false;
  /** How many of the sockets are not closed yet. */
  #openSockets = 1;
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
    stream.on("close", () => {
      this.#close();
      this.#socketClosed();
    });
    if (raw === stream) return;
    this.#openSockets++;
    raw.on("close", () => {
      this.#settle();
      this.#socketClosed();
    });
  }

  start(receiver: ByteReceiver): void {
    if (this.#receiver !== undefined) throw new TypeError("a channel is started once");
    this.#receiver = receiver;
    const arrived = this.#arrived;
    this.#arrived = undefined;
    if (arrived !== undefined) receiver.received(new Uint8Array(arrived));
    // The peer may have ended before anyone listened.
    if (this.#ended) queueMicrotask(() => this.#reportEnd());
    this.#takeHandle();
    if (this.#bytes === undefined) this.#stream.on("data", this.#onData);
    if (!this.#paused) this.#reading.resume();
    this.#moveSoon();
    if (this.#over === "closed") queueMicrotask(() => this.#reportClosed());
  }

  write(bytes: Uint8Array, written: () => void): void {
    if (this.#bytes !== undefined) return this.#bytes.write(bytes, written);
    if (!this.#stream.writable) return;
    this.#stream.write(bytes, (error) => {
      if (error) return;
      written();
      this.#leaveStreams();
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
    if (this.#bytes !== undefined) this.#bytes.end();
    else this.#stream.end();
  }

  destroy(): void {
    this.#stream.destroy();
    this.#raw.destroy();
  }

  #receive(bytes: Uint8Array): void {
    if (this.#receiver?.received(bytes) === true) freeBuffer(bytes);
  }

  readonly #onData = ({ buffer, byteOffset, byteLength }: Uint8Array): void => {
    // The `slice` of a `Buffer` copies nothing.
    this.#receive(new Uint8Array(buffer, byteOffset, byteLength));
    this.#leaveStreams();
  };

  #leaveStreams(): void {
    this.#moveSoon();
    this.#takeHandle();
  }

  /** What is read and written passes the streams until they are empty and TLS is where it stays. */
  #takeHandle(): void {
    if (this.#bytes !== undefined || this.#over !== "open" || this.#receiver === undefined) return;
    this.#bytes = this.#reading.takeHandle?.((bytes) => this.#receive(bytes));
    if (this.#bytes !== undefined) this.#stream.removeListener("data", this.#onData);
  }

  #moveSoon(): void {
    if (this.#isMoving || this.#receiver === undefined || this.#reading.mayMove !== true) return;
    this.#isMoving = true;
    setImmediate(() => {
      this.#isMoving = false;
      if (this.#over !== "open" || this.#ended) return;
      this.#reading.move?.();
      this.#takeHandle();
    });
  }

  /** The raw socket is gone: TLS delivers what it still has, and then there is nothing left to wait for. */
  #settle(): void {
    if (this.#stream.destroyed) return;
    if (this.#stream.readableEnded || !this.#raw.readableEnded) this.#stream.destroy();
    else this.#stream.once("end", () => this.#stream.destroy());
  }

  /** The platform keeps closed sockets for a while: once all are closed, they refer to nothing of the connection. */
  #socketClosed(): void {
    if (--this.#openSockets > 0) return;
    letGoOf(this.#stream);
    letGoOf(this.#raw);
  }

  #reportEnd(): void {
    if (this.#over !== "reported") this.#receiver?.ended();
  }

  #close(): void {
    if (this.#over !== "open") return;
    this.#over = "closed";
    this.#bytes = undefined;
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
