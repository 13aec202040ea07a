/**
 * Fast path: what a channel writes goes straight to the handle of TLS, and what TLS has decrypted comes straight from
 * it. The two streams of a TLS socket make a request, two views and several closures and ticks of each write and each
 * read. Without them the calls of one caller take 0.89 of the processor time of both ends, those of eight 0.83, and items
 * of 64 KiB 0.87; `docs/performance-changes.md` has more.
 *
 * What is left to the streams: the end of both directions, errors and closing. Of the platform this needs what
 * `native_transport.ts` does, on the same releases, and `tests/canaries/native_transport_canary_test.ts`. The plain path
 * is the socket's streams: on any other release, and until TLS is on the socket's handle and the streams are empty.
 */
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { getSystemErrorName } from "node:util";
import { handleOf, type OnRead, type TlsStreamHandle } from "./native_transport.ts";

/** Waiting writes are handed over together up to here: what the platform encrypts at once. */
const GATHERED_BYTES = 48 * 1024;

/** A write that waits for the one before it. */
interface Waiting {
  readonly bytes: Uint8Array;
  readonly written: () => void;
}

/**
 * Takes reading and writing of a TLS socket over from its streams.
 *
 * @param socket its TLS is on the handle of `raw`, and stays there.
 * @param received takes what TLS has decrypted.
 * @returns nothing, and nothing is changed, where the streams still hold something, or the handle is not as expected.
 */
export function takeHandle(
  socket: TLSSocket,
  raw: Socket,
  received: (bytes: Uint8Array) => void,
): HandleBytes | undefined {
  if (socket.destroyed || socket.readableLength > 0 || socket.writableLength > 0) return;
  const tls = handleOf<TlsStreamHandle>(socket);
  if (!tls?.onread || !tls.setOnread || !tls.writeBuffer || !tls.writev) return;
  return new HandleBytes(socket, raw, tls, received);
}

/** The bytes of a TLS socket, by its handle. */
export class HandleBytes {
  readonly #socket: TLSSocket;
  readonly #raw: Socket;
  readonly #tls: TlsStreamHandle;
  /** One for all writes: the handle takes the next when it has reported the one before. */
  readonly #request: { readonly oncomplete: (status: number) => void };
  #waiting: Waiting[] = [];
  /** Called when what the handle was given has left. */
  #written: (() => void) | undefined;
  #isHandingOver = false;
  #isEnding = false;

  constructor(
    socket: TLSSocket,
    raw: Socket,
    tls: TlsStreamHandle,
    received: (bytes: Uint8Array) => void,
  ) {
    this.#socket = socket;
    this.#raw = raw;
    this.#tls = tls;
    this.#request = { oncomplete: (status) => this.#complete(status) };
    const ofStream = tls.onread!;
    const onRead: OnRead = (bytes) => {
      // The end, or an error.
      if (!bytes || socket.destroyed) return ofStream.call(tls, bytes);
      received(bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes);
    };
    tls.onread = onRead;
    tls.setOnread!(onRead);
    // For its end.
    socket.resume();
  }

  /** As a channel's. */
  write(bytes: Uint8Array, written: () => void): void {
    if (this.#isEnding || !this.#socket.writable) return;
    if (this.#written === undefined) this.#handOver([bytes], written);
    else this.#waiting.push({ bytes, written });
  }

  /** As a channel's. */
  end(): void {
    this.#isEnding = true;
    if (this.#written === undefined) this.#socket.end();
  }

  #handOver(pieces: Uint8Array[], written: () => void): void {
    this.#written = written;
    // Its handle is gone, which TLS does not know: what becomes of the socket is reported by the socket.
    if (this.#raw.destroyed) return;
    this.#isHandingOver = true;
    const status = pieces.length === 1
      ? this.#tls.writeBuffer!(this.#request, pieces[0]!)
      : this.#tls.writev!(this.#request, pieces, true);
    this.#isHandingOver = false;
    if (status !== 0) this.#fail(status);
  }

  #complete(status: number): void {
    if (this.#isHandingOver) return queueMicrotask(() => this.#complete(status));
    if (status < 0) return this.#fail(status);
    const written = this.#written;
    this.#written = undefined;
    if (this.#waiting.length > 0) this.#handOverWaiting();
    else if (this.#isEnding) this.#socket.end();
    written?.();
  }

  #handOverWaiting(): void {
    let count = 0;
    let octets = 0;
    for (const { bytes } of this.#waiting) {
      octets += bytes.length;
      if (count > 0 && octets > GATHERED_BYTES) break;
      count++;
    }
    const next = this.#waiting.splice(0, count);
    this.#handOver(next.map(({ bytes }) => bytes), () => {
      for (const { written } of next) written();
    });
  }

  /** Where the raw socket is gone its own error says why. */
  #fail(status: number): void {
    this.#waiting = [];
    if (this.#socket.destroyed || this.#raw.destroyed) return;
    const code = getSystemErrorName(status);
    const failure = { errno: status, code, syscall: "write" };
    this.#socket.destroy(Object.assign(new Error(`write ${code}`), failure));
  }
}
