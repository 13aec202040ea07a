/**
 * Fast path: TLS on the handle of its socket from the first byte on. Over a {@linkcode RawDuplex} every part of a
 * handshake passes three streams and takes two turns of the event loop, and TLS moves to the handle when it is over. What
 * has to be heard of a handshake is heard here: the ServerHello, and an alert of ours against a hello. A client's TLS is
 * parted from the handle while it reads the ServerHello, a server's until it has sent it. A new dispatcher, its
 * connection and its first call take 0.88 of the processor time so in the first 300 connections of a process, and 0.93
 * after thousands.
 *
 * Of the platform this needs what `native_transport.ts` does, on the same releases, and
 * `tests/canaries/native_transport_canary_test.ts`. The plain path is the duplex stream: there, and where a client
 * keeps its certificate back until the server is proven.
 */
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import {
  canRead,
  forgetHandshake,
  handleOf,
  isKnown,
  NativeReading,
  type OnRead,
  type SocketHandle,
  type TlsStreamHandle,
} from "./native_transport.ts";
import { KeyExchangeReader } from "./server_hello.ts";
import type { TlsBelow } from "./tls_below.ts";
import { joined, NO_BYTES } from "../../values/mod.ts";

/** What the platform binds to the socket's handle for TLS, 1 KiB of closures: it is asked of the socket itself. */
const BOUND_TO_HANDLE = [
  "setNetPermToken",
  "getsockname",
  "getpeername",
  "connect",
  "connect6",
  "bind",
  "bind6",
  "listen",
  "ref",
  "unref",
  "setNoDelay",
  "setKeepAlive",
];

/** How many of the first bytes of a server are kept for telling what it speaks. */
const FIRST_BYTES = 16;

/**
 * Takes over a socket for TLS on its handle.
 *
 * @param server which end is the server of TLS.
 * @param arrived what was read of the socket already.
 * @returns nothing, and nothing is changed, where the platform has no such handles.
 */
export function onHandle(
  raw: Socket,
  server: "peer" | "us",
  arrived?: Uint8Array,
): HandleTransport | undefined {
  if (!isKnown || raw.readableLength > 0 || raw.writableLength > 0) return;
  const handle = handleOf<SocketHandle>(raw);
  if (!canRead(handle) || ownerOf(handle) === undefined) return;
  return new HandleTransport(raw, handle, handle.onread, server, arrived);
}

/** A socket whose handle carries TLS. */
export class HandleTransport implements TlsBelow {
  readonly raw: Socket;
  readonly #handle: Required<SocketHandle>;
  readonly #ofSocket: OnRead;
  readonly #keyExchange = new KeyExchangeReader();
  readonly #isServer: boolean;
  #arrived: Uint8Array | undefined;
  #firstBytes: Uint8Array = NO_BYTES;
  #socket: TLSSocket | undefined;
  #tls: TlsStreamHandle | undefined;
  #reading: NativeReading | undefined;
  #onRawClose: (() => void) | undefined;
  #onRawError: (() => void) | undefined;
  #isSettled = false;
  /** Whether what a server answers passes through here. */
  #answers: boolean;

  constructor(
    raw: Socket,
    handle: Required<SocketHandle>,
    ofSocket: OnRead,
    server: "peer" | "us",
    arrived: Uint8Array | undefined,
  ) {
    this.raw = raw;
    this.#handle = handle;
    this.#ofSocket = ofSocket;
    this.#isServer = this.#answers = server === "us";
    this.#arrived = arrived;
  }

  get stream(): Socket {
    return this.raw;
  }

  get firstBytes(): Uint8Array {
    return this.#firstBytes;
  }

  get keyExchange(): string {
    return this.#keyExchange.group;
  }

  carry(socket: TLSSocket): void {
    const tls = handleOf<TlsStreamHandle>(socket);
    if (tls === undefined) return;
    this.#socket = socket;
    this.#tls = tls;
    // The platform's, which would take from TLS what it has not read yet.
    this.#onRawClose = this.raw.listeners("close").at(-1) as () => void;
    this.#onRawError = this.raw.listeners("error").at(-1) as () => void;
    socket.once("close", this.#onClose);
    this.#takeBack(tls);
    if (this.#isServer) tls.attachJsStream?.();
    const { raw } = this;
    const read = (bytes: Uint8Array): void => this.#read(bytes);
    this.#reading = new NativeReading(socket, raw, this.#handle, this.#ofSocket, read);
    if (this.#arrived === undefined) this.#reading.release();
    else setImmediate(() => this.#passOn());
  }

  hold(): void {
    this.#reading?.hold();
  }

  release(): void {
    this.#reading?.release();
  }

  endReceived(): void {
    this.#reading?.endReceived();
  }

  /**
   * The handshake is over, and the connection has an owner, who closes the socket.
   *
   * @returns what reads from now on; of this nothing is kept.
   */
  settle(): NativeReading | undefined {
    const socket = this.#socket;
    if (socket === undefined || this.#onRawClose === undefined) return this.#reading;
    this.raw.removeListener("close", this.#onRawClose);
    if (this.#onRawError !== undefined) this.raw.removeListener("error", this.#onRawError);
    this.raw.removeAllListeners("connect");
    socket.removeListener("close", this.#onClose);
    forgetHandshake(socket, this.raw);
    this.#onRawClose = this.#onRawError = undefined;
    this.#isSettled = true;
    const tls = this.#tls;
    if (tls === undefined) return this.#reading;
    const [bound, own] = [tls as Record<string, unknown>, Object.getPrototypeOf(tls)];
    for (const name of BOUND_TO_HANDLE) bound[name] = own[name];
    // A client settles before it is attached.
    if (this.#isServer && !this.#answers) this.#letGo(tls);
    return this.#reading;
  }

  readonly #onClose = (): void => void this.raw.destroy();

  /** The socket is closed by its owner, and only by it: TLS has made itself the owner of the handle. */
  #takeBack(tls: TlsStreamHandle): void {
    tls._nativeTcpHandle = null;
    const handle = this.#handle as unknown as Record<symbol, unknown>;
    handle[ownerOf(handle)!] = this.raw;
  }

  #passOn(): void {
    const arrived = this.#arrived;
    this.#arrived = undefined;
    if (arrived === undefined || this.#socket?.destroyed !== false) return;
    this.#answer(arrived);
    this.#reading?.release();
  }

  #read(bytes: Uint8Array): void {
    if (this.#isServer && this.#answers) return this.#answer(bytes);
    if (!this.#isServer && !this.#keyExchange.done) return this.#hear(bytes);
    this.#tls?.readBuffer?.(bytes);
  }

  /** A client hears what the server says, and what TLS says to that. */
  #hear(bytes: Uint8Array): void {
    if (this.#firstBytes.length < FIRST_BYTES) {
      const more = bytes.subarray(0, FIRST_BYTES - this.#firstBytes.length);
      this.#firstBytes = joined([this.#firstBytes, more]);
    }
    this.#keyExchange.read(bytes);
    const tls = this.#tls;
    if (tls === undefined) return;
    // An alert against its hello stays in TLS, where `watchHandshake` finds it.
    tls.attachJsStream?.();
    tls.readBuffer?.(bytes);
    if (this.#socket?.destroyed !== false) return;
    this.#attach(tls);
    // All else that TLS has to say leaves now.
    tls.readBuffer?.(NO_BYTES);
  }

  /** A server's answer passes through here. */
  #answer(bytes: Uint8Array): void {
    this.#tls?.readBuffer?.(bytes);
    this.#sendAnswer();
  }

  /** Sends what TLS has to say. Once the key exchange is known by it, and all of it has left, TLS writes by the handle. */
  #sendAnswer(): void {
    const tls = this.#tls;
    if (!this.#answers || tls === undefined || this.#socket?.destroyed !== false) return;
    const answer = tls.drainEncOut?.();
    if (answer !== undefined && answer.length > 0) {
      this.#keyExchange.read(answer);
      this.raw.write(new Uint8Array(answer), () => this.#sendAnswer());
    }
    if (!this.#keyExchange.done || this.raw.writableLength > 0) return;
    this.#answers = false;
    this.#attach(tls);
  }

  /** TLS writes by the handle, which is read as before. */
  #attach(tls: TlsStreamHandle): void {
    const { onread } = this.#handle;
    tls._attachNativeHandle?.(this.#handle);
    this.#handle.onread = onread;
    tls._nativeTcpHandle = null;
    if (this.#isSettled) this.#letGo(tls);
  }

  /** TLS is on the handle for good. */
  #letGo(tls: TlsStreamHandle): void {
    tls._attachNativeHandle = tls._installNativeOnread = undefined;
    this.#reading?.giveTo((bytes) => tls.readBuffer?.(bytes));
  }
}

let ownerSymbol: symbol | undefined;

/** By what a handle names the socket that it belongs to. */
function ownerOf(handle: object): symbol | undefined {
  return ownerSymbol ??= Object.getOwnPropertySymbols(handle)
    .find(({ description }) => description === "ownerSymbol");
}
