import type { Socket } from "node:net";
import type { ByteChannel, ByteReceiver } from "../../src/http2/mod.ts";

/** A plaintext socket as a byte channel, for programs that test the HTTP/2 layer and nothing else. */
export class NodeSocketChannel implements ByteChannel {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
  }

  start(receiver: ByteReceiver): void {
    let failure: Error | undefined;
    this.#socket.on("data", (bytes: Uint8Array) => receiver.received(bytes));
    this.#socket.on("end", () => receiver.ended());
    this.#socket.on("error", (error) => failure = error);
    this.#socket.on("close", () => receiver.closed(failure));
  }

  write(bytes: Uint8Array, written: () => void): void {
    if (this.#socket.writable) this.#socket.write(bytes, (error) => error || written());
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
