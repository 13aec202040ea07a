/**
 * What `src/channel/tls/native_transport.ts`, `handle_transport.ts` and `handle_bytes.ts` need of the platform: TLS that was made over a
 * stream can be moved onto the handle of a TCP socket, TLS that was made on a handle can be parted from it and put there
 * again, and then reads and writes by it alone; and it can be read and written without the streams of its socket. Where a canary here fails, revisit those files; without them TLS stays
 * over a stream, and is slower.
 */
import assert from "node:assert/strict";
import { connect, createSecureContext, TLSSocket } from "node:tls";
import type { Socket } from "node:net";
import { RawDuplex } from "../../src/channel/tls/raw_duplex.ts";
import { HandleTransport, onHandle } from "../../src/channel/tls/handle_transport.ts";
import { watchHandshake } from "../../src/channel/tls/tls_platform.ts";
import {
  canRead,
  handleOf,
  moveToSocket,
  type NativeReading,
  type SocketHandle,
  type TlsStreamHandle,
} from "../../src/channel/tls/native_transport.ts";
import { certificateShapes, makeAuthorities } from "../support/certificates.ts";
import { WORKER_ID } from "../support/peers.ts";
import { tcpPair } from "./tls_pair.ts";

const authorities = makeAuthorities();
const worker = certificateShapes(authorities, WORKER_ID).fine();
const PIECES = 64;
const PIECE_BYTES = 100_000;

/** Two ends of a TCP connection. */
interface Sockets {
  readonly near: Socket;
  readonly far: Socket;
}

/** One end of a TLS connection over a duplex stream of ours over a TCP socket. */
interface End {
  readonly tls: TLSSocket;
  readonly below: RawDuplex;
}

/** Both ends of a TLS connection that was made on the handles of its sockets. */
async function securedOnHandles({ near, far }: Sockets) {
  const [below, belowFar] = [onHandle(near, "peer"), onHandle(far, "us")];
  assert(below instanceof HandleTransport && belowFar instanceof HandleTransport);
  const secureContext = createSecureContext({ cert: worker.chainPem, key: worker.keyPem });
  const server = new TLSSocket(far, { isServer: true, secureContext });
  belowFar.carry(server);
  const ca = [authorities.root.pem];
  const client = connect({ socket: near, ca, checkServerIdentity: () => undefined });
  below.carry(client);
  await new Promise((resolve) => client.once("secureConnect", resolve));
  for (const socket of [client, server]) socket.on("error", () => {});
  return { client: { tls: client, below }, server: { tls: server, below: belowFar } };
}

/** Both ends of a TLS connection whose handshake is done. */
async function secured({ near, far }: Sockets): Promise<{ client: End; server: End }> {
  const belowFar = new RawDuplex(far, "us");
  const secureContext = createSecureContext({ cert: worker.chainPem, key: worker.keyPem });
  const server = new TLSSocket(belowFar as unknown as Socket, { isServer: true, secureContext });
  const belowNear = new RawDuplex(near, "peer");
  const ca = [authorities.root.pem];
  const client = connect({ socket: belowNear, ca, checkServerIdentity: () => undefined });
  await new Promise((resolve) => client.once("secureConnect", resolve));
  for (const socket of [client, server]) socket.on("error", () => {});
  return { client: { tls: client, below: belowNear }, server: { tls: server, below: belowFar } };
}

/** Moves TLS as soon as it is at rest. */
async function moved({ tls, below }: End): Promise<NativeReading> {
  // Far more turns than a handshake leaves something under way for.
  for (let turn = 0; turn < 10_000; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    const reading = moveToSocket(tls, below);
    if (reading === undefined) continue;
    reading.release();
    below.raw.on("data", () => assert.fail("the socket's own stream still reads"));
    return reading;
  }
  assert.fail("TLS stays over the stream");
}

/** Sends numbered pieces, and checks that they arrive whole and in order. */
async function pass(from: Pick<End, "tls">, to: Pick<End, "tls">): Promise<void> {
  let received = 0;
  const whole = new Promise<void>((resolve) => {
    to.tls.on("data", (bytes: Uint8Array) => {
      for (const octet of bytes) {
        if (octet !== Math.floor(received++ / PIECE_BYTES)) throw new Error("out of order");
      }
      if (received === PIECES * PIECE_BYTES) resolve();
    });
  });
  for (let piece = 0; piece < PIECES; piece++) {
    from.tls.write(new Uint8Array(PIECE_BYTES).fill(piece));
  }
  await whole;
  to.tls.removeAllListeners("data");
}

for (
  const [name, ends] of [["server", ["server"]], ["client", ["client"]], ["both ends", [
    "server",
    "client",
  ]]] as const
) {
  Deno.test(`TLS over a stream moves onto the socket's handle and carries all in order (${name})`, async () => {
    using pair = await tcpPair();
    const both = await secured(pair);
    for (const end of ends) await moved(both[end]);
    await Promise.all([pass(both.client, both.server), pass(both.server, both.client)]);
    const ended = new Promise((resolve) => both.server.tls.once("end", resolve));
    both.server.tls.resume();
    both.client.tls.end();
    await ended;
    both.server.tls.destroy();
  });
}

Deno.test("sockets' handles read into one buffer of ours, and count what they have read", async () => {
  using pair = await tcpPair();
  const buffer = new Uint8Array(64 * 1024);
  const reads = [pair.near, pair.far].map((socket) => readsInto(buffer, socket));
  pair.near.write(new Uint8Array(PIECES * PIECE_BYTES).fill(1));
  pair.far.end(new Uint8Array(PIECES * PIECE_BYTES).fill(2));
  const [near, far] = await Promise.all(reads);
  assert.deepEqual(near, { octet: 2, count: PIECES * PIECE_BYTES, isOver: true });
  assert.deepEqual(far, { octet: 1, count: PIECES * PIECE_BYTES, isOver: false });
});

/** Reads all pieces into a buffer, and the end where it comes with them; each octet is to be the same. */
async function readsInto(buffer: Uint8Array, socket: Socket) {
  const handle = handleOf<SocketHandle>(socket);
  assert(canRead(handle));
  const whole = Promise.withResolvers<void>();
  const isEnded = new Promise<void>((resolve) => socket.once("end", resolve));
  const { onread } = handle;
  let octet: number | undefined;
  let count = handle.getBytesRead();
  assert.equal(count, 0);
  handle.readStop();
  handle.useUserBuffer(buffer);
  handle.onread = (bytes) => {
    assert.equal(bytes, undefined);
    const length = handle.getBytesRead() - count;
    count += length;
    // The end.
    if (length === 0) return onread.call(handle, bytes);
    octet ??= buffer[0];
    if (buffer.subarray(0, length).some((read) => read !== octet)) whole.reject("others' bytes");
    if (count === PIECES * PIECE_BYTES) whole.resolve();
  };
  handle.readStart();
  socket.resume();
  await whole.promise;
  const isOver = octet === 2 && await isEnded.then(() => true);
  return { octet, count, isOver };
}

Deno.test("a socket's handle that has stopped reading for TLS holds up the writer", async () => {
  using pair = await tcpPair();
  const { client, server } = await secured(pair);
  const reading = await moved(server);
  await moved(client);
  reading.hold();
  let received = 0;
  server.tls.on("data", (bytes: Uint8Array) => received += bytes.length);
  const chunk = new Uint8Array(1024 * 1024);
  const count = 32;
  let written = 0;
  const all = Promise.withResolvers<void>();
  for (let at = 0; at < count; at++) {
    client.tls.write(chunk, () => {
      written++;
      if (written === count) all.resolve();
    });
  }
  // Far more turns than it takes to read what is allowed to be.
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(received, 0);
  assert.ok(written < count);
  reading.release();
  await all.promise;
  client.tls.destroy();
  server.tls.destroy();
});

Deno.test("TLS on a socket's handle hears the end of the socket, without the streams that it was made over", async () => {
  using pair = await tcpPair();
  const { client, server } = await secured(pair);
  await moved(server);
  const { _handle: handle } = server.tls as unknown as { _handle: { _parentWrap?: unknown } };
  assert.equal(handle._parentWrap, undefined);
  assert.equal(server.below.raw.listenerCount("close"), 0);
  const ended = new Promise((resolve) => server.tls.once("end", resolve));
  server.tls.resume();
  // No close_notify: the socket ends, and TLS has not.
  client.below.raw.end();
  await ended;
  client.tls.destroy();
  server.tls.destroy();
});

Deno.test("TLS on a socket's handle shows the hellos of both ends, and carries all in order", async () => {
  using pair = await tcpPair();
  const { client, server } = await securedOnHandles(pair);
  assert.equal(client.below.firstBytes[0], 0x16);
  assert.match(client.below.keyExchange, /25519/i);
  assert.equal(server.below.keyExchange, client.below.keyExchange);
  await Promise.all([pass(client, server), pass(server, client)]);
  client.below.settle();
  server.below.settle();
  await Promise.all([pass(client, server), pass(server, client)]);
  const ended = new Promise((resolve) => server.tls.once("end", resolve));
  server.tls.resume();
  // No close_notify: the socket ends, and TLS has not.
  pair.near.end();
  await ended;
  client.tls.destroy();
  server.tls.destroy();
});

Deno.test("TLS on a socket's handle says why a handshake fails, and closes the socket", async () => {
  using pair = await tcpPair();
  const below = onHandle(pair.far, "us");
  const { chainPem: cert, keyPem: key } = worker;
  const secureContext = createSecureContext({ cert, key, minVersion: "TLSv1.3" });
  const server = new TLSSocket(pair.far, { isServer: true, secureContext });
  const client = connect({ socket: pair.near, minVersion: "TLSv1.2", maxVersion: "TLSv1.2" });
  const failed = new Promise<Error>((resolve) => client.once("error", resolve));
  const closed = new Promise((resolve) => pair.far.once("close", resolve));
  watchHandshake(server, below!, { secured: () => {}, failed: () => {} });
  below!.carry(server);
  await closed;
  assert.match((await failed).message, /ProtocolVersion/);
  client.destroy();
});

Deno.test("the handle of TLS reports each write later, and gives what it decrypts to the function that it is given", async () => {
  using pair = await tcpPair();
  const { client, server } = await securedOnHandles(pair);
  client.below.settle();
  server.below.settle();
  const handle = handleOf<TlsStreamHandle>(server.tls)!;
  const whole = Promise.withResolvers<void>();
  let received = 0;
  handle.onread = (bytes) => {
    if (!bytes) return;
    assert(bytes instanceof ArrayBuffer);
    for (const octet of new Uint8Array(bytes)) {
      if (octet !== Math.floor(received++ / PIECE_BYTES)) throw new Error("out of order");
    }
    if (received === PIECES * PIECE_BYTES) whole.resolve();
  };
  handle.setOnread!(handle.onread);
  // One alone, then two together.
  for (let piece = 0; piece < PIECES; piece += piece % 3 === 0 ? 1 : 2) {
    const pieces = [piece, piece + 1].map((at) => new Uint8Array(PIECE_BYTES).fill(at));
    const status = await written(client.tls, piece % 3 === 0 ? pieces.slice(0, 1) : pieces);
    assert.equal(status, 0);
  }
  await whole.promise;
  client.tls.destroy();
  server.tls.destroy();
});

Deno.test("the handle of TLS reports a write that is not sent by a negative number", async () => {
  using pair = await tcpPair();
  const { client, server } = await securedOnHandles(pair);
  client.below.settle();
  server.below.settle();
  server.below.hold();
  const status = written(client.tls, [new Uint8Array(32 * 1024 * 1024)]);
  pair.far.destroy();
  assert.ok(await status < 0);
  client.tls.destroy();
  server.tls.destroy();
});

/** What the handle reports of a write: not before it has returned. */
async function written(socket: TLSSocket, pieces: Uint8Array[]): Promise<number> {
  const handle = handleOf<TlsStreamHandle>(socket)!;
  const { promise, resolve } = Promise.withResolvers<number>();
  let isWriting = true;
  const request = {
    oncomplete: (status: number): void => {
      assert.equal(isWriting, false);
      resolve(status);
    },
  };
  const status = pieces.length === 1
    ? handle.writeBuffer!(request, pieces[0]!)
    : handle.writev!(request, pieces, true);
  isWriting = false;
  assert.equal(status, 0);
  return await promise;
}
