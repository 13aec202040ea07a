import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { plainChannel, tlsChannel } from "./socket_channel.ts";
import { NO_BYTES } from "../values/mod.ts";

/** The listeners of a socket, by event. */
function listenersOf(socket: Socket): Record<string, number> {
  return Object.fromEntries(
    socket.eventNames().map((event) => [String(event), socket.listenerCount(event)]),
  );
}

/** A socket and its peer. */
async function socketPair(): Promise<[near: Socket, far: Socket]> {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as { port: number };
  const near = connect(port, "127.0.0.1");
  const [[far]] = await Promise.all([once(server, "connection"), once(near, "connect")]);
  server.close();
  return [near, far];
}

/** Once all that listens has heard that a socket is closed. */
async function closed(socket: Socket): Promise<void> {
  await once(socket, "close");
  await new Promise((done) => setImmediate(done));
}

Deno.test("a plain channel that is closed leaves no listener at its socket, and a late error is ignored", async () => {
  for (const isStarted of [true, false]) {
    const [near, far] = await socketPair();
    const channel = plainChannel(near);
    let reports = 0;
    const receiver = { received: () => {}, ended: () => {}, closed: () => void reports++ };
    if (isStarted) channel.start(receiver);
    // Added after the channel's own, as that of the socket's place is.
    let heard = 0;
    near.once("close", () => heard++);
    channel.destroy();
    await closed(near);
    assert.equal(heard, 1);
    assert.deepEqual(listenersOf(near), { error: 1 });
    near.emit("error", new Error("late"));
    if (!isStarted) channel.start(receiver);
    await new Promise((done) => setImmediate(done));
    assert.equal(reports, 1);
    far.destroy();
  }
});

Deno.test("a TLS channel leaves its listeners at either socket until both are closed", async () => {
  for (const isRawFirst of [true, false]) {
    const [[stream, farStream], [raw, farRaw]] = await Promise.all([socketPair(), socketPair()]);
    // What closes one of them does not close the other here.
    const kept = new Map([stream, raw].map((socket) => [socket, socket.destroy.bind(socket)]));
    for (const socket of kept.keys()) socket.destroy = () => socket;
    tlsChannel(stream as TLSSocket, {
      raw,
      stream: raw,
      firstBytes: NO_BYTES,
      keyExchange: "",
      carry: () => {},
      hold: () => {},
      release: () => {},
      endReceived: () => {},
    });
    const [first, last] = isRawFirst ? [raw, stream] : [stream, raw];
    let heard = 0;
    last.once("close", () => heard++);
    kept.get(first)!();
    await closed(first);
    assert.ok(last.listenerCount("close") > 1);
    kept.get(last)!();
    await closed(last);
    assert.equal(heard, 1);
    for (const socket of [stream, raw]) assert.deepEqual(listenersOf(socket), { error: 1 });
    farStream.destroy();
    farRaw.destroy();
  }
});
