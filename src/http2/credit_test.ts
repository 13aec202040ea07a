import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { ByteChannel } from "./byte_channel.ts";
import { openClientConnection } from "./connection/client_connection.ts";
import { Flag, FrameType, readUint31 } from "./frame/frame_header.ts";
import { memoryChannelPair } from "../../tests/support/http2/watched_pair.ts";
import {
  CollectedStream,
  frame,
  RawPeer,
  REQUEST,
  RESPONSE,
} from "../../tests/support/http2/test_peer.ts";

const MAX_WINDOW = 1_048_576;
const FRAME_BYTES = 16_384;

Deno.test("a stream's credit is handed to the channel while the reads of a turn go on", async () => {
  const [near, far] = memoryChannelPair();
  const written: Uint8Array[] = [];
  const client = openClientConnection(recorded(near, written), {
    limits: { streamWindowBytes: 100_000, maxStreamWindowBytes: 100_000 },
  });
  const peer = RawPeer.server(far);
  const writtenAtRelease: number[][] = [];
  const answer = new class extends CollectedStream {
    override data(bytes: Uint8Array, endStream: boolean): void {
      super.data(bytes, endStream);
      writtenAtRelease.push(
        written.filter((frame) => frame[3] === FrameType.WINDOW_UPDATE)
          .map((frame) => readUint31(frame, 9)),
      );
    }
  }();
  answer.stream = client.open(REQUEST, answer, { endStream: false });
  await peer.expect(FrameType.HEADERS);
  peer.headers(1, RESPONSE, false);
  await peer.synced();
  written.length = 0;
  for (let count = 0; count < 8; count++) peer.data(1, new Uint8Array(12_500), false);
  await peer.synced();
  const [half, whole] = [[50_000], [50_000, 50_000]];
  deepStrictEqual(writtenAtRelease, [[], [], [], half, half, half, half, whole]);
  peer.destroy();
  await client.closed;
});

/** The channel, which keeps what it is given to send. */
function recorded(channel: ByteChannel, written: Uint8Array[]): ByteChannel {
  return {
    start: (receiver) => channel.start(receiver),
    write: (bytes, done) => {
      written.push(bytes.slice());
      channel.write(bytes, done);
    },
    pause: () => channel.pause(),
    resume: () => channel.resume(),
    end: () => channel.end(),
    destroy: () => channel.destroy(),
  };
}

/** What comes between the frames of a stream, its window at first, and what that is in the end. */
const WINDOWS: readonly {
  readonly between: "small messages" | "nothing";
  readonly roundTripMs?: number;
  readonly atFirst: number;
  readonly paused?: true;
  readonly inTheEnd: number;
}[] = [
  { between: "nothing", roundTripMs: 0, atFirst: MAX_WINDOW, inTheEnd: MAX_WINDOW },
  { between: "small messages", roundTripMs: 0, atFirst: MAX_WINDOW, inTheEnd: 360_448 },
  { between: "small messages", roundTripMs: 50, atFirst: MAX_WINDOW, inTheEnd: MAX_WINDOW },
  { between: "small messages", atFirst: MAX_WINDOW, inTheEnd: MAX_WINDOW },
  { between: "small messages", roundTripMs: 0, atFirst: 131_072, inTheEnd: 360_448 },
  { between: "small messages", roundTripMs: 50, atFirst: 131_072, inTheEnd: 360_448 },
  { between: "small messages", atFirst: 131_072, inTheEnd: 360_448 },
  // Another stream holds so many frames that memory counts as short.
  {
    between: "small messages",
    roundTripMs: 0,
    atFirst: 131_072,
    paused: true,
    inTheEnd: 131_072,
  },
];

for (const { between, roundTripMs, atFirst, paused, inTheEnd } of WINDOWS) {
  const roundTrip = roundTripMs === undefined ? "an unknown round trip" : `${roundTripMs} ms`;
  const beside = paused ? ", beside a paused stream" : "";
  Deno.test(`a window of ${atFirst} octets with ${between} between its frames, ${roundTrip}${beside}, becomes one of ${inTheEnd}`, async () => {
    const [near, far] = memoryChannelPair();
    let now = 0;
    const client = openClientConnection(near, {
      limits: {
        streamWindowBytes: atFirst,
        maxStreamWindowBytes: MAX_WINDOW,
        maxUnreadFrames: 64,
      },
      clock: () => now,
    });
    const peer = RawPeer.server(far);
    if (roundTripMs !== undefined) {
      const measured = client.ping();
      const { payload } = await peer.expect(FrameType.PING);
      now += roundTripMs;
      peer.send(frame(FrameType.PING, Flag.ACK, 0, payload));
      strictEqual(await measured, roundTripMs);
    }
    const answers = Array.from({ length: 35 }, () => {
      const answer = new CollectedStream();
      answer.stream = client.open(REQUEST, answer, { endStream: true });
      return answer;
    });
    await peer.synced();
    if (paused) {
      answers[34]!.stream = undefined;
      peer.headers(69, RESPONSE, false);
      for (let frames = 0; frames < 16; frames++) peer.data(69, new Uint8Array(10), false);
    }
    peer.headers(1, RESPONSE, false);
    for (let n = 1; n <= 32; n++) {
      for (let frames = 0; frames < 4; frames++) peer.data(1, new Uint8Array(FRAME_BYTES), false);
      if (between === "nothing") continue;
      peer.headers(2 * n + 1, RESPONSE, false);
      peer.data(2 * n + 1, new Uint8Array(10), true);
    }
    await peer.synced();
    const received = answers[0]!.bytes.length;
    strictEqual(received, 2 * MAX_WINDOW);
    const part = between === "nothing" ? 2 : 4;
    const increments = peer.on(1, FrameType.WINDOW_UPDATE).map(({ payload }) =>
      readUint31(payload, 0)
    );
    const credited = Math.ceil(inTheEnd / part / FRAME_BYTES) * FRAME_BYTES;
    strictEqual(increments.at(-1), credited);
    const owed = received + inTheEnd - atFirst - peer.credit(1);
    ok(owed >= 0 && owed < credited, `${owed} octets are owed`);
    peer.destroy();
    await client.closed;
  });
}

/** How a body of so many octets, whose length is announced, is received. */
interface Body {
  readonly bytes: number;
  /** Small messages passed between the frames of another stream just before, and do between its frames. */
  readonly between?: true;
  /** Its receiver says that it takes the whole of it. */
  readonly taken?: true;
  /** Another stream holds so many frames that memory counts as short. */
  readonly paused?: true;
  /** The limit of a stream's window. Default: 1 MiB. */
  readonly max?: number;
}

/** The credit for such a body, before its first frame and in all, and the most that the peer might have sent at once. */
async function creditFor({ bytes, between, taken, paused, max = MAX_WINDOW }: Body) {
  const [near, far] = memoryChannelPair();
  const limits = {
    streamWindowBytes: 131_072,
    maxStreamWindowBytes: max,
    maxUnreadFrames: paused ? 64 : 131_072,
  };
  const client = openClientConnection(near, { limits, clock: () => 0 });
  const peer = RawPeer.server(far);
  const frames = bytes / FRAME_BYTES;
  const answers = Array.from({ length: 3 + frames }, () => {
    const answer = new CollectedStream();
    answer.stream = client.open(REQUEST, answer, { endStream: true });
    return answer;
  });
  await peer.synced();
  let id = 5;
  const small = () => {
    peer.headers(id, RESPONSE, false);
    peer.data(id, new Uint8Array(10), true);
    id += 2;
  };
  if (between) {
    peer.headers(3, RESPONSE, false);
    peer.data(3, new Uint8Array(FRAME_BYTES), false);
    small();
    peer.data(3, new Uint8Array(FRAME_BYTES), true);
  }
  if (paused) {
    answers[1]!.stream = undefined;
    peer.headers(3, RESPONSE, false);
    for (let count = 0; count < 16; count++) peer.data(3, new Uint8Array(10), false);
  }
  peer.headers(1, [...RESPONSE, "content-length", String(bytes)], false);
  await peer.synced();
  if (taken) answers[0]!.stream!.takeWhole();
  await peer.synced();
  const atFirst = peer.credit(1);
  let most = 131_072 + atFirst;
  for (let n = 1; n <= frames; n++) {
    if (between) small();
    peer.data(1, new Uint8Array(FRAME_BYTES), n === frames);
    await peer.synced();
    most = Math.max(most, 131_072 + peer.credit(1) - n * FRAME_BYTES);
  }
  strictEqual(answers[0]!.bytes.length, bytes);
  const updates = peer.on(1, FrameType.WINDOW_UPDATE).map(({ payload }) => readUint31(payload, 0));
  peer.destroy();
  await client.closed;
  return { atFirst, updates, most };
}

Deno.test("a body whose length is announced is given what is missing of its window at once, and no credit beyond", async () => {
  const { atFirst, updates } = await creditFor({ bytes: MAX_WINDOW / 2 });
  deepStrictEqual([atFirst, updates], [0, [MAX_WINDOW / 2 - 131_072]]);
  deepStrictEqual((await creditFor({ bytes: 131_072 })).updates, []);
});

Deno.test("a body that is taken whole is given its window before its first frame, beyond the limit of a stream's", async () => {
  const { atFirst, updates } = await creditFor({ bytes: 2 * MAX_WINDOW, taken: true });
  deepStrictEqual([atFirst, updates], [2 * MAX_WINDOW - 131_072, [2 * MAX_WINDOW - 131_072]]);
  deepStrictEqual((await creditFor({ bytes: 131_072, taken: true })).updates, []);
});

Deno.test("a body that is taken whole is given no more at once than the connection's window", async () => {
  const connectionWindowBytes = 4 * MAX_WINDOW;
  const { most } = await creditFor({ bytes: 2 * connectionWindowBytes, taken: true });
  strictEqual(most, connectionWindowBytes);
});

Deno.test("a body that is announced grows no window beyond its limit, nor beside small messages or while memory is short", async () => {
  const { most } = await creditFor({ bytes: 2 * MAX_WINDOW, max: 262_144 });
  ok(most <= 262_144, `${most} octets`);
  for (const taken of [undefined, true] as const) {
    const beside = await creditFor({ bytes: MAX_WINDOW, between: true, ...(taken && { taken }) });
    strictEqual(beside.atFirst, 0);
    ok(beside.most <= 360_448, `${beside.most} octets`);
    const short = await creditFor({ bytes: MAX_WINDOW, paused: true, ...(taken && { taken }) });
    strictEqual(short.most, 131_072);
  }
});
