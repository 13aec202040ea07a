/**
 * Fast path: TLS moved from our {@linkcode RawDuplex} onto the handle of the socket below it, once nothing
 * of the handshake is left for us to see or to keep back. What passes then is encrypted and decrypted
 * without a turn of three streams and two buffers in between, which cost a third of the processor time of
 * bulk (64 KiB writes of bare `node:tls`: 1.6 ms per MB of both ends over a duplex stream, 1.1 so; see
 * `docs/performance-changes.md`). The two streams below TLS are let go then, which were 5 KiB of an idle connection. The
 * plain path is TLS over the duplex stream: it stays wherever the platform has no such handles, and until nothing is
 * buffered in between.
 *
 * Of the platform this needs what is not public: `tests/canaries/native_transport_canary_test.ts`. It is done
 * on the releases alone that the canaries have seen; on any other TLS stays over the stream.
 */
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { runsOnDeno } from "../../platform/mod.ts";
import { DISCARDED_BYTES, type RawDuplex } from "./raw_duplex.ts";

/** The handle of a TCP socket: what it reads it gives to `onread`, without bytes at its end or an error. */
export interface SocketHandle {
  onread?: OnRead;
  readStart?: () => unknown;
  readStop?: () => void;
  /** From now on it reads into `buffer`, and gives `onread` no bytes. */
  useUserBuffer?: (buffer: Uint8Array) => void;
  /** How many bytes it has read since it was opened. */
  getBytesRead?: () => number;
}

/** Takes what a handle has read. */
export type OnRead = (bytes?: ArrayBuffer | Uint8Array | null) => void;

/** What a handle reports a write to: 0, or the negative number of an error. */
export interface WriteRequest {
  readonly oncomplete: (status: number) => void;
}

/** The handle of a TLS socket over a stream. */
export interface TlsStreamHandle {
  /** Takes what was decrypted; nothing at the end and of an error. */
  onread?: OnRead;
  setOnread?: (onread: OnRead) => void;
  writeBuffer?: (request: WriteRequest, bytes: Uint8Array) => number;
  writev?: (request: WriteRequest, pieces: Uint8Array[], areBytes: true) => number;
  attachJsStream?: () => number;
  drainEncOut?: () => Uint8Array | undefined;
  readBuffer?: (bytes: Uint8Array) => void;
  emitEof?: () => void;
  onerror?: (error: Error) => void;
  onhandshakedone?: () => void;
  _attachNativeHandle?: ((handle: SocketHandle) => void) | undefined;
  _installNativeOnread?: unknown;
  _flushEncOut?: unknown;
  _nativeTcpHandle?: SocketHandle | null;
  /** The socket that the platform makes of a stream, and its handle. */
  _parentWrap?: { _handle: unknown } | undefined;
  _parent?: unknown;
  _owner?: TLSSocket;
}

/** The Deno releases whose handles are known. */
const KNOWN_RELEASES = /^2\.9\./;

/** Whether this is such a release. */
export const isKnown: boolean = runsOnDeno && KNOWN_RELEASES.test(Deno.version.deno);

/** What the platform wraps on a TLS handle to pass on what was encrypted; the handle's own do it natively. */
const PASSING_ON = [
  "writeBuffer",
  "writev",
  "writeUtf8String",
  "writeAsciiString",
  "writeLatin1String",
  "writeUcs2String",
  "shutdown",
  "_flushEncOut",
];

/**
 * Moves TLS onto the socket's handle. To be called where no code of the two is running, in a turn of its own.
 *
 * @returns nothing, and nothing is changed, where the platform has no such handles, or something is under
 * way between the socket and TLS.
 */
export function moveToSocket(socket: TLSSocket, below: RawDuplex): NativeReading | undefined {
  if (!isKnown) return;
  const tls = handleOf<TlsStreamHandle>(socket);
  const raw = handleOf<SocketHandle>(below.raw);
  const { _attachNativeHandle: attach, readBuffer, drainEncOut, emitEof } = tls ?? {};
  if (!tls || !canRead(raw) || !attach || !readBuffer || !drainEncOut || !emitEof) return;
  if (tls._flushEncOut === undefined) return;
  if (!below.isAtRest || !isAtRest(socket, below.raw)) return;
  const left = drainEncOut.call(tls);
  if (left !== undefined && left.length > 0) {
    below.write(left);
    return;
  }
  attach.call(tls, raw);
  letGo(tls);
  below.stepAside();
  forgetStream(socket);
  forgetHandshake(socket, below.raw);
  const ofTls = (bytes: Uint8Array): void => readBuffer.call(tls, bytes);
  const reading = new NativeReading(socket, below.raw, raw, raw.onread, ofTls);
  // What TLS had received and not read yet.
  readBuffer.call(tls, NOTHING);
  return reading;
}

const NOTHING = new Uint8Array(0);

/** Parts TLS from the streams that it was made over, and from what the handshake needed. */
function letGo(tls: TlsStreamHandle): void {
  // The socket is closed by its owner, and only by it.
  tls._nativeTcpHandle = null;
  for (const name of PASSING_ON) delete (tls as Record<string, unknown>)[name];
  const { _parentWrap: wrap } = tls;
  tls._parentWrap = tls._parent = undefined;
  tls._attachNativeHandle = tls._installNativeOnread = undefined;
  // The platform lists each socket that has a handle.
  if (wrap) wrap._handle = null;
}

/** Of what the handshake needed nothing is kept. */
export function forgetHandshake(socket: TLSSocket, raw: Socket): void {
  const tls = handleOf<TlsStreamHandle>(socket);
  if (tls === undefined) return;
  // What is encrypted leaves by the socket's handle: by no other way, which would change its order.
  tls.drainEncOut = nothingLeft;
  tls.onerror = onError;
  tls.onhandshakedone = doNothing;
  compactListeners(socket);
  compactListeners(raw);
}

/** A client's socket keeps the options that it was made with, the stream among them. */
function forgetStream(socket: TLSSocket): void {
  const symbol = Object.getOwnPropertySymbols(socket).find((symbol) =>
    symbol.description === "connect-options"
  );
  if (symbol === undefined) return;
  const options = (socket as unknown as Record<symbol, { socket?: unknown }>)[symbol];
  if (options !== undefined) options.socket = undefined;
}

/** Listeners that were taken off leave tables behind which are larger than all that is left: 0.7 KiB of a connection. */
function compactListeners(emitter: object): void {
  const { _events: events } = emitter as { _events?: Record<string, unknown> };
  if (events === undefined) return;
  const left: Record<string, unknown> = {};
  for (const name in events) {
    const listeners = events[name];
    if (listeners !== undefined) left[name] = Array.isArray(listeners) ? [...listeners] : listeners;
  }
  (emitter as { _events?: unknown })._events = left;
}

function nothingLeft(): undefined {}

function doNothing(): void {}

/** Once TLS has failed the connection is over. */
function onError(this: TlsStreamHandle, error: Error): void {
  this._owner?.destroy(error);
}

/** Whether a handle has all that {@linkcode NativeReading} needs of it. */
export function canRead(handle: SocketHandle | undefined): handle is Required<SocketHandle> {
  return handle?.onread !== undefined && handle.readStart !== undefined &&
    handle.readStop !== undefined && handle.useUserBuffer !== undefined &&
    handle.getBytesRead !== undefined;
}

/** What one read takes at most. */
const READ_BYTES = 64 * 1024;

let sharedBuffer: Uint8Array | undefined;

/**
 * What all sockets read into: TLS has copied what it is given before the next is read. The platform would allocate 64
 * KiB for each read, which took 4 % of a lone call's processor time and 5 to 8 % of 64 KiB items'.
 */
function sharedReadBuffer(): Uint8Array {
  return sharedBuffer ??= new Uint8Array(READ_BYTES);
}

/** Reading of a socket whose TLS is on its handle: TLS reads the bytes, and the socket itself its end and its errors. */
export class NativeReading {
  /** The socket below TLS. */
  readonly raw: Socket;
  readonly #socket: TLSSocket;
  readonly #handle: Required<SocketHandle>;
  /** Begins to read, by the platform's own. */
  readonly #start: () => unknown;
  #ofTls: (bytes: Uint8Array) => void;
  /** How many bytes the handle has read. */
  #read: number;
  #isPaused = false;
  #isOver = false;
  /** How many bytes came after the end of TLS. */
  #discarded = 0;

  /**
   * Begins where the handle is started again.
   *
   * @param ofSocket takes what is not for TLS: the end of the socket, and its errors.
   * @param ofTls takes what is read, and copies of it what it keeps.
   */
  constructor(
    socket: TLSSocket,
    raw: Socket,
    handle: Required<SocketHandle>,
    ofSocket: OnRead,
    ofTls: (bytes: Uint8Array) => void,
  ) {
    this.#socket = socket;
    this.raw = raw;
    this.#handle = handle;
    this.#start = handle.readStart;
    this.#ofTls = ofTls;
    this.#read = handle.getBytesRead();
    const buffer = sharedReadBuffer();
    // Named first: written where it is assigned, it would keep the connection until the whole heap is collected.
    const onRead: OnRead = (bytes) => {
      const before = this.#read;
      this.#read = handle.getBytesRead();
      const length = this.#read - before;
      if (length === 0) ofSocket.call(handle, bytes);
      else if (this.#isOver) this.#discard(length);
      else this.#ofTls(buffer.subarray(0, length));
    };
    handle.useUserBuffer(buffer);
    handle.onread = onRead;
    // The socket's own stream may ask for more at any time.
    const readStart = () => this.#isPaused ? 0 : this.#start.call(handle);
    handle.readStart = readStart;
    raw.on("error", (error) => void socket.destroy(error));
    raw.once("end", () => handleOf<TlsStreamHandle>(socket)?.emitEof?.());
  }

  /** From now on gives what is read to another. */
  giveTo(ofTls: (bytes: Uint8Array) => void): void {
    this.#ofTls = ofTls;
  }

  /** Stops reading until `release`. */
  hold(): void {
    this.#isPaused = true;
    this.#handle.readStop();
  }

  /** Goes on reading. */
  release(): void {
    this.#isPaused = false;
    // A handle takes up its `onread` where it begins to read.
    this.#handle.readStop();
    this.#start.call(this.#handle);
    // The end of the socket comes through its own stream.
    this.raw.resume();
  }

  /** TLS has received its last byte: data after the peer's end is ignored (RFC 8446 §6.1) and discarded. */
  endReceived(): void {
    this.#isOver = true;
  }

  #discard(length: number): void {
    this.#discarded += length;
    if (this.#discarded > DISCARDED_BYTES) this.#socket.destroy();
  }
}

function isAtRest(socket: TLSSocket, raw: Socket): boolean {
  return !socket.destroyed && !raw.destroyed && socket.writableLength === 0 &&
    raw.writableLength === 0 && raw.readableLength === 0;
}

/** The handle of a socket. */
export function handleOf<Handle>(socket: Socket): Handle | undefined {
  return (socket as unknown as { _handle?: Handle | null })._handle ?? undefined;
}
