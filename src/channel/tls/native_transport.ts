/**
 * Fast path: TLS moved from our {@linkcode RawDuplex} onto the handle of the socket below it, once nothing
 * of the handshake is left for us to see or to keep back. What passes then is encrypted and decrypted
 * without a turn of three streams and two buffers in between, which cost a third of the processor time of
 * bulk (64 KiB writes of bare `node:tls`: 1.6 ms per MB of both ends over a duplex stream, 1.1 so; see
 * `docs/performance.md`). The plain path is TLS over the duplex stream: it stays wherever the platform has
 * no such handles, and until nothing is buffered in between.
 *
 * Of the platform this needs what is not public: `tests/canaries/native_transport_canary_test.ts`. It is done
 * on the releases alone that the canaries have seen; on any other TLS stays over the stream.
 */
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { runsOnDeno } from "../../platform/mod.ts";
import { freeBuffer } from "../../values/mod.ts";
import type { NativeReading, RawDuplex } from "./raw_duplex.ts";

/** The handle of a TCP socket: what it reads it gives to `onread`, without bytes at its end or an error. */
interface SocketHandle {
  onread?: (bytes?: ArrayBuffer | Uint8Array | null) => void;
  readStart?: () => unknown;
  readStop?: () => void;
}

/** The handle of a TLS socket over a stream. */
interface TlsStreamHandle {
  drainEncOut?: () => Uint8Array | undefined;
  readBuffer?: (bytes: Uint8Array) => void;
  _attachNativeHandle?: (handle: SocketHandle) => void;
  _flushEncOut?: unknown;
  _nativeTcpHandle?: SocketHandle | null;
}

/** The Deno releases whose handles are known. */
const KNOWN_RELEASES = /^2\.9\./;

const isKnown = runsOnDeno && KNOWN_RELEASES.test(Deno.version.deno);

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
  const { _attachNativeHandle: attach, readBuffer, drainEncOut } = tls ?? {};
  const { onread, readStart, readStop } = raw ?? {};
  if (!tls || !raw || !attach || !readBuffer || !drainEncOut || tls._flushEncOut === undefined) {
    return;
  }
  if (!onread || !readStart || !readStop || !below.isAtRest || !isAtRest(socket, below.raw)) return;
  const left = drainEncOut.call(tls);
  if (left !== undefined && left.length > 0) {
    below.write(left);
    return;
  }
  attach.call(tls, raw);
  // The socket is closed by its owner, and only by it.
  tls._nativeTcpHandle = null;
  for (const name of PASSING_ON) delete (tls as Record<string, unknown>)[name];
  // What is encrypted leaves by the socket's handle: by no other way, which would change its order.
  tls.drainEncOut = () => undefined;
  const reading = readInto(raw, onread);
  // What TLS had received and not read yet.
  readBuffer.call(tls, new Uint8Array(0));
  return reading;
}

/** Lets TLS read bytes, and the socket itself its end and its errors, which TLS could not tell apart. */
function readInto(
  raw: SocketHandle,
  ofSocket: (bytes?: ArrayBuffer | Uint8Array | null) => void,
): NativeReading {
  const ofTls = raw.onread!;
  const start = raw.readStart!;
  let isPaused = false;
  let isGivenBack = false;
  raw.onread = function (this: unknown, bytes?: ArrayBuffer | Uint8Array | null): void {
    if (!bytes || isGivenBack) return ofSocket.call(this, bytes);
    ofTls.call(this, bytes);
    // TLS has copied what it was given.
    freeBuffer(bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes);
  };
  // The socket's own stream may ask for more at any time.
  raw.readStart = (): unknown => isPaused ? 0 : start.call(raw);
  return {
    pause: () => {
      isPaused = true;
      raw.readStop!();
    },
    resume: () => {
      isPaused = false;
      // A handle takes up its `onread` where it begins to read.
      raw.readStop!();
      start.call(raw);
    },
    giveBack: () => {
      isGivenBack = true;
    },
  };
}

function isAtRest(socket: TLSSocket, raw: Socket): boolean {
  return !socket.destroyed && !raw.destroyed && socket.writableLength === 0 &&
    raw.writableLength === 0 && raw.readableLength === 0;
}

function handleOf<Handle>(socket: Socket): Handle | undefined {
  return (socket as unknown as { _handle?: Handle | null })._handle ?? undefined;
}
