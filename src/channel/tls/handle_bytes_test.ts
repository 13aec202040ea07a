import assert from "node:assert/strict";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { type HandleBytes, takeHandle } from "./handle_bytes.ts";
import type { OnRead, WriteRequest } from "./native_transport.ts";

/** A TLS socket and its handle, as far as they are used. */
class FakeSocket {
  destroyed = false;
  readableLength = 0;
  writableLength = 0;
  writable = true;
  /** What happened, in order. */
  readonly log: string[] = [];
  /** Whether a write is reported before the handle has returned. */
  isPrompt = false;
  returned = 0;
  readonly #requests: WriteRequest[] = [];
  readonly _handle = {
    onread: ((bytes) => void this.log.push(bytes ? "streamed" : "end of stream")) as OnRead,
    setOnread: (onread: OnRead): void => void (this.onread = onread),
    writeBuffer: (request: WriteRequest, bytes: Uint8Array): number => {
      return this.#take(request, `${bytes.length}`);
    },
    writev: (request: WriteRequest, pieces: Uint8Array[]): number => {
      return this.#take(request, pieces.map(({ length }) => length).join("+"));
    },
  };
  onread: OnRead = this._handle.onread;

  resume(): void {}

  end(): void {
    this.log.push("end");
  }

  destroy(error?: Error): void {
    this.destroyed = true;
    this.writable = false;
    this.log.push(`destroyed: ${error?.message} ${(error as { code?: string }).code}`);
  }

  /** Reports the oldest write. */
  report(status = 0): void {
    this.#requests.shift()!.oncomplete(status);
  }

  #take(request: WriteRequest, what: string): number {
    this.log.push(what);
    this.#requests.push(request);
    if (this.isPrompt) this.report();
    return this.returned;
  }
}

function taken(socket: FakeSocket, raw = { destroyed: false }): HandleBytes | undefined {
  return takeHandle(
    socket as unknown as TLSSocket,
    raw as Socket,
    (bytes) => socket.log.push(`received ${bytes.length}`),
  );
}

Deno.test("a handle is given one write after another, and together what waits, up to 48 KiB", () => {
  const socket = new FakeSocket();
  const bytes = taken(socket)!;
  for (const size of [1, 2, 3, 49_148, 4, 50_000, 5]) {
    bytes.write(new Uint8Array(size), () => socket.log.push(`wrote ${size}`));
  }
  bytes.end();
  for (let at = 0; at < 5; at++) socket.report();
  assert.deepEqual(socket.log, [
    "1",
    "2+3",
    "wrote 1",
    "49148+4",
    "wrote 2",
    "wrote 3",
    "50000",
    "wrote 49148",
    "wrote 4",
    "5",
    "wrote 50000",
    "end",
    "wrote 5",
  ]);
  bytes.write(new Uint8Array(6), () => {});
  assert.equal(socket.log.at(-1), "wrote 5");
});

Deno.test("a write that is reported while it is handed over is written in a later turn", async () => {
  const socket = new FakeSocket();
  const bytes = taken(socket)!;
  socket.isPrompt = true;
  for (const size of [1, 2]) {
    bytes.write(new Uint8Array(size), () => socket.log.push(`wrote ${size}`));
  }
  assert.deepEqual(socket.log, ["1"]);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(socket.log, ["1", "2", "wrote 1", "wrote 2"]);
});

Deno.test("what TLS has decrypted is received, its end is the stream's, and so is all that follows a destroy", () => {
  const socket = new FakeSocket();
  taken(socket);
  socket.onread(new ArrayBuffer(3));
  socket.onread(new Uint8Array(4));
  socket.onread(undefined);
  socket.destroyed = true;
  socket.onread(new ArrayBuffer(5));
  assert.deepEqual(socket.log, ["received 3", "received 4", "end of stream", "streamed"]);
});

Deno.test("a socket whose streams hold something keeps them, and one whose handle is another", () => {
  const [reading, writing, other] = [new FakeSocket(), new FakeSocket(), new FakeSocket()];
  reading.readableLength = 1;
  writing.writableLength = 1;
  Object.assign(other._handle, { setOnread: undefined });
  for (const socket of [reading, writing, other]) {
    const { onread } = socket._handle;
    assert.equal(taken(socket), undefined);
    assert.equal(socket._handle.onread, onread);
  }
});

Deno.test("a write that fails destroys the socket with its code, and nothing is written after it", () => {
  for (const fail of ["reported", "returned"]) {
    const socket = new FakeSocket();
    const bytes = taken(socket)!;
    if (fail === "returned") socket.returned = -32;
    for (const size of [1, 2]) bytes.write(new Uint8Array(size), () => socket.log.push("wrote"));
    if (fail === "reported") socket.report(-32);
    assert.deepEqual(socket.log, ["1", "destroyed: write EPIPE EPIPE"]);
  }
});

Deno.test("where the raw socket is gone nothing is handed over, and a write that fails says nothing", () => {
  for (const status of [0, -125]) {
    const socket = new FakeSocket();
    const raw = { destroyed: false };
    const bytes = taken(socket, raw)!;
    for (const size of [1, 2]) bytes.write(new Uint8Array(size), () => socket.log.push("wrote"));
    raw.destroyed = true;
    socket.report(status);
    assert.deepEqual(socket.log, status === 0 ? ["1", "wrote"] : ["1"]);
  }
});
