import { deepStrictEqual, strictEqual } from "node:assert/strict";
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

/** What comes between the frames of a stream, how long the round trip is, and the credit of a window's octets. */
const CREDIT: readonly (readonly ["small messages" | "nothing", roundTripMs: number, number])[] = [
  ["nothing", 0, 1_048_576],
  ["small messages", 0, 262_144],
  ["small messages", 50, 1_048_576],
];
const WINDOW_BYTES = 1_048_576;

for (const [between, roundTripMs, credit] of CREDIT) {
  Deno.test(`a stream between whose frames come ${between} gets credit for ${credit} of ${WINDOW_BYTES} octets with a round trip of ${roundTripMs} ms`, async () => {
    const [near, far] = memoryChannelPair();
    let now = 0;
    const client = openClientConnection(near, {
      limits: { streamWindowBytes: WINDOW_BYTES, maxStreamWindowBytes: WINDOW_BYTES },
      clock: () => now,
    });
    const peer = RawPeer.server(far);
    const measured = client.ping();
    const { payload } = await peer.expect(FrameType.PING);
    now += roundTripMs;
    peer.send(frame(FrameType.PING, Flag.ACK, 0, payload));
    strictEqual(await measured, roundTripMs);
    const answers = Array.from({ length: 17 }, () => {
      const answer = new CollectedStream();
      answer.stream = client.open(REQUEST, answer, { endStream: true });
      return answer;
    });
    await peer.synced();
    peer.headers(1, RESPONSE, false);
    for (let n = 1; n <= 16; n++) {
      for (let frames = 0; frames < 4; frames++) peer.data(1, new Uint8Array(16_384), false);
      if (between === "nothing") continue;
      peer.headers(2 * n + 1, RESPONSE, false);
      peer.data(2 * n + 1, new Uint8Array(10), true);
    }
    await peer.synced();
    strictEqual(answers[0]!.bytes.length, WINDOW_BYTES);
    strictEqual(peer.credit(1), credit);
    peer.destroy();
    await client.closed;
  });
}
