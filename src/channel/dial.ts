import { connect as connectSocket, type Socket } from "node:net";
import type { TcpAddress, UnixAddress } from "./address.ts";
import type { DialSignal } from "./dial_signal.ts";
import type { ChannelFailure, ChannelOutcome } from "./facts.ts";
import { plainChannel } from "./socket_channel.ts";
import { remoteAddressOf } from "./socket_address.ts";
import { systemCodeOf } from "../platform/mod.ts";
import { type ClientTls, secureClient } from "./tls/tls_client.ts";
import { NO_BYTES, onAbort } from "../values/mod.ts";

/** How a channel is dialled. */
export interface DialOptions {
  /** TLS and what it needs. Default: none, the channel is plain. */
  readonly tls?: ClientTls;
  /** Ends the attempt: its reason is thrown where the caller gave up, a timeout is reported as a failure. */
  readonly signal: DialSignal;
}

/**
 * Dials a TCP or unix address, and completes the TLS handshake where `tls` is given.
 *
 * @throws the reason of `signal.aborted`, and nothing else.
 */
export async function dialChannel(
  address: TcpAddress | UnixAddress,
  options: DialOptions,
): Promise<ChannelOutcome> {
  const { aborted } = options.signal;
  if (aborted?.aborted === true) throw aborted.reason;
  const connected = await connect(address, options.signal);
  if (!connected.ok) return connected;
  const { socket } = connected;
  const remoteAddress = remoteAddressOf(socket, address);
  if (options.tls !== undefined) {
    return await secureClient(socket, options.tls, remoteAddress, options.signal);
  }
  const watched = watchFirstBytes(socket);
  const security = address.kind === "unix" ? "unix-socket" : "plaintext";
  return {
    ok: true,
    channel: plainChannel(socket),
    facts: { security, remoteAddress },
    firstBytes: watched,
  };
}

interface Connected {
  readonly ok: true;
  readonly socket: Socket;
}

async function connect(
  address: TcpAddress | UnixAddress,
  signal: DialSignal,
): Promise<Connected | ChannelFailure> {
  const { promise, resolve, reject } = Promise.withResolvers<Connected | ChannelFailure>();
  const socket = address.kind === "unix"
    ? connectSocket({ path: address.path, allowHalfOpen: true })
    : connectSocket({
      host: address.host,
      port: address.port,
      allowHalfOpen: true,
      noDelay: true,
    });
  const fail = (timedOut: boolean, cause?: Error): void => {
    socket.destroy();
    resolve({
      ok: false,
      stage: "connect",
      timedOut,
      firstBytes: NO_BYTES,
      ...(cause === undefined ? {} : { cause, code: systemCodeOf(cause) }),
    });
  };
  const onError = (error: Error): void => fail(false, error);
  using _timeout = onAbort(signal.timeout, () => fail(true));
  using _aborted = onAbort(signal.aborted, () => {
    socket.destroy();
    reject(signal.aborted?.reason);
  });
  socket.once("error", onError);
  socket.once("connect", () => {
    socket.removeListener("error", onError);
    // Until the socket has an owner, an error on it must not end the process.
    socket.on("error", ignoreError);
    resolve({ ok: true, socket });
  });
  return await promise;
}

function ignoreError(): void {}

function watchFirstBytes(socket: Socket): () => Uint8Array {
  let first = new Uint8Array(0);
  socket.once("data", (chunk: Uint8Array) => {
    // A copy: the chunk is a `Buffer`, whose slices are views of it.
    first = new Uint8Array(chunk.subarray(0, 16));
  });
  socket.pause();
  return () => first;
}
