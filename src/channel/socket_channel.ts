import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { ByteChannel, ByteReceiver } from "../http2/mod.ts";
import type { RawDuplex } from "./tls/raw_duplex.ts";

/** A plain TCP or unix socket as a byte channel; `arrived` is what was already read from it. */
export function plainChannel(socket: Socket, arrived?: Uint8Array): ByteChannel {
  return new SocketChannel(socket, socket, {
    pause: () => socket.pause(),
    resume: () => socket.resume(),
  }, arrived);
}

/** A TLS socket over a {@linkcode RawDuplex} as a byte channel. */
export function tlsChannel(socket: TLSSocket, below: RawDuplex): ByteChannel {
  socket.once("end", () => below.takeNoMore());
  return new SocketChannel(socket, below.raw, {
    pause: () => below.hold(),
    resume: () => below.release(),
  });
}

interface ReadControl {
  pause(): void;
  resume(): void;
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
  #over: "open" | "closed" | "told" = "open";

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
      this.#tellEnd();
    });
    stream.on("close", () => this.#close());
    raw.on("close", () => this.#settle());
  }

  start(receiver: ByteReceiver): void {
    if (this.#receiver !== undefined) throw new TypeError("a channel is started once");
    this.#receiver = receiver;
    const arrived = this.#arrived;
    this.#arrived = undefined;
    if (arrived !== undefined) receiver.received(arrived);
    // The peer may have ended before anyone listened.
    if (this.#ended) queueMicrotask(() => this.#tellEnd());
    this.#stream.on("data", (bytes: Uint8Array) => receiver.received(bytes));
    if (!this.#paused) this.#reading.resume();
    if (this.#over === "closed") queueMicrotask(() => this.#tell());
  }

  write(bytes: Uint8Array, written: () => void): void {
    if (!this.#stream.writable) return;
    this.#stream.write(bytes, (error) => {
      if (!error) written();
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

  /** The raw socket is gone: TLS delivers what it still has, and then there is nothing left to wait for. */
  #settle(): void {
    if (this.#stream === this.#raw || this.#stream.destroyed) return;
    if (this.#stream.readableEnded) this.#stream.destroy();
    else this.#stream.once("end", () => this.#stream.destroy());
  }

  #tellEnd(): void {
    if (this.#over !== "told") this.#receiver?.ended();
  }

  #close(): void {
    if (this.#over !== "open") return;
    this.#over = "closed";
    this.#tell();
  }

  #tell(): void {
    if (this.#receiver === undefined || this.#over !== "closed") return;
    this.#over = "told";
    this.#receiver.closed(this.#error);
  }
}
