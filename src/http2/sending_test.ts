import { nextTick } from "node:process";
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { ByteBudget } from "./guard/byte_budget.ts";
import type { ByteChannel } from "./byte_channel.ts";
import { openClientConnection } from "./connection/client_connection.ts";
import { ErrorCode } from "./error_code.ts";
import { Flag, FrameType } from "./frame/frame_header.ts";
import { CLIENT_PREFACE } from "./frame/preface.ts";
import { encodeSettings, Setting } from "./frame/settings.ts";
import { HeldChannel } from "../../tests/support/http2/held_channel.ts";
import { memoryChannelPair } from "../../tests/support/http2/watched_pair.ts";
import { openServerConnection } from "./connection/server_connection.ts";
import type { Stream } from "./streams/stream.ts";
import {
  CollectedStream,
  frame,
  RawPeer,
  REQUEST,
  RESPONSE,
  settle,
  textBytes,
  uint32,
} from "../../tests/support/http2/test_peer.ts";

Deno.test("a window that grows after a stream has ended does not end it twice", async () => {
  const [near, far] = memoryChannelPair();
  const client = openClientConnection(near);
  const peer = RawPeer.server(far);
  client.open(REQUEST, new CollectedStream(), { endStream: true, body: textBytes("x") });
  await settle();
  peer.send(
    encodeSettings([[Setting.INITIAL_WINDOW_SIZE, 1_000_000]]),
    frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(1000)),
  );
  await settle();
  strictEqual(peer.on(1, FrameType.DATA).length, 1);
  peer.destroy();
  await client.closed;
});

Deno.test("a stream goes on when SETTINGS open the window that they had closed", async () => {
  const [near, far] = memoryChannelPair();
  const client = openClientConnection(near);
  const peer = RawPeer.server(far, [[Setting.INITIAL_WINDOW_SIZE, 0]]);
  await settle();
  client.open(REQUEST, new CollectedStream(), { endStream: true, body: new Uint8Array(5000) });
  await settle();
  strictEqual(peer.dataBytes(1), 0);
  peer.send(encodeSettings([[Setting.INITIAL_WINDOW_SIZE, 2000]]));
  await settle();
  strictEqual(peer.dataBytes(1), 2000);
  peer.send(encodeSettings([[Setting.INITIAL_WINDOW_SIZE, 6000]]));
  await settle();
  strictEqual(peer.dataBytes(1), 5000);
  strictEqual(peer.on(1, FrameType.DATA).at(-1)!.flags, Flag.END_STREAM);
  peer.destroy();
  await client.closed;
});

Deno.test("streams go on in turn when the connection's window opens", async () => {
  const [near, far] = memoryChannelPair();
  const client = openClientConnection(near);
  const peer = RawPeer.server(far, [[Setting.INITIAL_WINDOW_SIZE, 1_000_000]]);
  await settle();
  for (let count = 0; count < 3; count++) {
    client.open(REQUEST, new CollectedStream(), { endStream: true, body: new Uint8Array(50_000) });
  }
  client.open(REQUEST, new CollectedStream(), { endStream: false }).sendTrailers(["x-sum", "0"]);
  await settle();
  const sent = () => [1, 3, 5].map((id) => peer.dataBytes(id));
  strictEqual(sent().reduce((sum, bytes) => sum + bytes, 0), 65_535);
  // What needs no window does not wait for it.
  const { flags } = peer.on(7, FrameType.HEADERS).at(-1)!;
  strictEqual(flags & Flag.END_STREAM, Flag.END_STREAM);
  peer.send(frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(30_000)));
  await settle();
  strictEqual(sent().reduce((sum, bytes) => sum + bytes, 0), 95_535);
  // Turns are frames, and a window or a buffer may cut one short.
  strictEqual(Math.max(...sent()) - Math.min(...sent()) <= 2 * 16_384, true);
  peer.send(frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(1_000_000)));
  await settle();
  deepStrictEqual(sent(), [50_000, 50_000, 50_000]);
  peer.destroy();
  await client.closed;
});

Deno.test("where few streams are open a request leaves once the microtasks before it have run", async () => {
  const [near, far] = memoryChannelPair();
  const client = openClientConnection(near);
  const peer = RawPeer.server(far);
  await settle();
  const sent = () => peer.frames.filter(({ type }) => type === FrameType.HEADERS).length;
  client.open(REQUEST, new CollectedStream(), { endStream: true });
  let ticked = false;
  nextTick(() => ticked = true);
  for (let task = 0; task < 10 && sent() === 0; task++) await undefined;
  deepStrictEqual([sent(), ticked], [1, false]);
  await settle();
  peer.destroy();
  await client.closed;
});

Deno.test("items that a stream is given in microtasks leave together once these have run", async () => {
  const [near, far] = memoryChannelPair();
  let writes = 0;
  const write = near.write.bind(near);
  near.write = (bytes, written) => {
    writes++;
    write(bytes, written);
  };
  const client = openClientConnection(near);
  const peer = RawPeer.server(far);
  await settle();
  const stream = client.open(REQUEST, new CollectedStream(), { endStream: false });
  await settle();
  const before = writes;
  for (let item = 0; item < 20; item++) {
    await undefined;
    stream.sendData(new Uint8Array(8), false);
  }
  await settle();
  deepStrictEqual(writes - before, 1);
  peer.destroy();
  await client.closed;
});

Deno.test("forty-eight messages are sent without waiting for the end of the turn", async () => {
  const [near, far] = memoryChannelPair();
  const client = openClientConnection(near);
  const peer = RawPeer.server(far);
  await settle();
  const open = (count: number) => {
    for (let n = 0; n < count; n++) {
      client.open(REQUEST, new CollectedStream(), { endStream: true });
    }
  };
  const sent = () => peer.frames.filter(({ type }) => type === FrameType.HEADERS).length;
  // With so many, what is sent waits for the turn's end.
  open(10);
  await settle();
  strictEqual(sent(), 10);
  open(60);
  // Microtasks deliver what was written; the end of the turn has not come yet.
  for (let task = 0; task < 10; task++) await undefined;
  strictEqual(sent(), 58);
  await settle();
  strictEqual(sent(), 70);
  peer.destroy();
  await client.closed;
});

Deno.test("an answer that is made while its request is read leaves before the reading returns", async () => {
  const [near, far] = memoryChannelPair();
  const channel = new HeldChannel(far, CLIENT_PREFACE.length);
  let answered = 0;
  const write = channel.write.bind(channel);
  const server = openServerConnection(channel, {
    onRequest: (stream) => {
      answered++;
      stream.sendHeaders(RESPONSE, true);
      return new CollectedStream();
    },
  });
  const peer = RawPeer.client(near);
  await settle();
  channel.deliver();
  await settle();
  let writes = 0;
  channel.write = (bytes, written) => {
    writes++;
    write(bytes, written);
  };
  peer.headers(1, REQUEST, true);
  await settle();
  channel.deliver();
  deepStrictEqual({ answered, writes }, { answered: 1, writes: 1 });
  await settle();
  strictEqual(writes, 1);
  peer.destroy();
  await settle();
  channel.deliver();
  await server.closed;
});

Deno.test("nothing is sent on a stream that was reset while others were flushed", async () => {
  const [near, far] = memoryChannelPair();
  const streams: Stream[] = [];
  const server = openServerConnection(far, {
    onRequest: (stream) => {
      streams.push(stream);
      const receiver = new CollectedStream();
      // The end of any other stream resets the first.
      return Object.assign(receiver, { closed: () => streams[0]!.reset(ErrorCode.CANCEL) });
    },
  });
  const peer = RawPeer.client(near);
  for (let id = 1; id <= 33; id += 2) peer.headers(id, REQUEST, true);
  await peer.synced();
  const [first, ...others] = streams;
  first!.sendHeaders(RESPONSE, false);
  await settle();
  for (const stream of others) stream.sendHeaders(RESPONSE, true);
  first!.sendData(textBytes("late"), true);
  await settle();
  strictEqual(await peer.resetCode(1), ErrorCode.CANCEL);
  strictEqual(peer.on(1, FrameType.DATA).length, 0);
  peer.destroy();
  await server.closed;
});

Deno.test("what a completed stream left unread is given back with its connection", async () => {
  const budget = new ByteBudget(1_000_000);
  const [near, far] = memoryChannelPair();
  const client = openClientConnection(near, { budget });
  const peer = RawPeer.server(far);
  const answer = new CollectedStream();
  client.open(REQUEST, answer, { endStream: true });
  await peer.expect(FrameType.HEADERS);
  peer.headers(1, RESPONSE, false);
  peer.data(1, new Uint8Array(1000), true);
  strictEqual((await answer.ended).how, "complete");
  strictEqual(budget.heldBytes >= 1000, true);
  peer.destroy();
  await client.closed;
  strictEqual(budget.heldBytes, 0);
});

Deno.test("Stream.flush() hands over what is queued within the turn, unless the channel is busy", async () => {
  const [near, far] = memoryChannelPair();
  const writes: number[] = [];
  const client = openClientConnection(recorded(near, writes));
  const peer = RawPeer.server(far);
  const stream = client.open(REQUEST, new CollectedStream(), { endStream: false });
  await settle();
  writes.length = 0;
  stream.sendData(textBytes("a"), false);
  strictEqual(writes.length, 0);
  stream.flush();
  strictEqual(writes.length, 1);
  stream.sendData(textBytes("b"), false);
  stream.flush();
  strictEqual(writes.length, 1);
  await settle();
  strictEqual(peer.dataBytes(1), 2);
  peer.destroy();
  await client.closed;
});

Deno.test("DATA fills a write up to what the platform encrypts at once, whatever is before it", async () => {
  const [near, far] = memoryChannelPair();
  const writes: number[] = [];
  const client = openClientConnection(recorded(near, writes));
  const peer = RawPeer.server(far, [[Setting.INITIAL_WINDOW_SIZE, 1_000_000]]);
  peer.send(frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(1_000_000)));
  await settle();
  for (const fieldBytes of [0, 20, 100, 3_000]) {
    writes.length = 0;
    const fields = [...REQUEST, "x-text", "x".repeat(fieldBytes)];
    const body = new Uint8Array(200_000);
    const stream = client.open(fields, new CollectedStream(), { endStream: true, body });
    await settle();
    deepStrictEqual(writes.slice(0, 4), Array(4).fill(49_152));
    strictEqual(peer.dataBytes(stream.id), body.length);
  }
  peer.destroy();
  await client.closed;
});

/** The channel, whose writes are recorded by their length. */
function recorded(channel: ByteChannel, writes: number[]): ByteChannel {
  return {
    start: (receiver) => channel.start(receiver),
    write: (bytes, written) => {
      writes.push(bytes.length);
      channel.write(bytes, written);
    },
    pause: () => channel.pause(),
    resume: () => channel.resume(),
    end: () => channel.end(),
    destroy: () => channel.destroy(),
  };
}
