import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { ErrorCode } from "./error_code.ts";
import { Flag, FrameType } from "./frame/frame_header.ts";
import { encodeSettings, Setting } from "./frame/settings.ts";
import { ByteBudget } from "./guard/byte_budget.ts";
import {
  frame,
  ManualTime,
  RESPONSE,
  settle,
  uint32,
} from "../../tests/support/http2/test_peer.ts";
import { connect, finished, request } from "../../tests/support/http2/raw_server.ts";

Deno.test("a smaller initial window may leave streams below zero until credit has made up for it", async () => {
  const { client, peer } = connect();
  request(client, { endStream: true, body: new Uint8Array(100_000) });
  await settle();
  strictEqual(peer.dataBytes(1), 65_535);
  // The stream's window is 0 now, and 10,000 - 65,535 after the change.
  peer.send(
    encodeSettings([[Setting.INITIAL_WINDOW_SIZE, 10_000]]),
    frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(1_000_000)),
    frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(55_535)),
  );
  await settle();
  strictEqual(peer.dataBytes(1), 65_535);
  peer.send(frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(1000)));
  await settle();
  strictEqual(peer.dataBytes(1), 66_535);
  await finished({ client, peer });
});

Deno.test("credit goes back only when bytes are released, past half a window", async () => {
  const { client, peer } = connect({ limits: { streamWindowBytes: 100_000 } });
  const { stream } = request(client);
  await peer.expect(FrameType.HEADERS);
  peer.headers(1, RESPONSE, false);
  for (let count = 0; count < 6; count++) peer.data(1, new Uint8Array(10_000), false);
  await settle();
  strictEqual(peer.credit(1), 0);
  stream.release(49_999);
  await settle();
  strictEqual(peer.credit(1), 0);
  stream.release(1);
  await settle();
  strictEqual(peer.credit(1), 50_000);
  // More than was received is not believed.
  stream.release(1e9);
  await settle();
  strictEqual(peer.credit(1), 50_000);
  await finished({ client, peer });
});

/** Of 40,000 bytes, the connection's credit for half is withheld until they are released. */
const SHORT_OF_MEMORY = {
  limits: { connectionWindowBytes: 65_535 },
  budget: new ByteBudget(50_000),
};

Deno.test("a reset stream gives its unreleased bytes back to the connection", async () => {
  const { client, peer } = connect(SHORT_OF_MEMORY);
  const { stream } = request(client);
  await peer.expect(FrameType.HEADERS);
  peer.headers(1, RESPONSE, false);
  for (let count = 0; count < 4; count++) peer.data(1, new Uint8Array(10_000), false);
  await settle();
  strictEqual(peer.credit(0), 0);
  stream.reset(ErrorCode.CANCEL);
  await settle();
  strictEqual(peer.credit(0), 40_000);
  await finished({ client, peer });
});

Deno.test("a stream that completed unread keeps its bytes counted until reset says otherwise", async () => {
  const { client, peer } = connect(SHORT_OF_MEMORY);
  const { stream, answer } = request(client);
  await peer.expect(FrameType.HEADERS);
  peer.headers(1, RESPONSE, false);
  for (let count = 0; count < 4; count++) peer.data(1, new Uint8Array(10_000), count === 3);
  strictEqual((await answer.ended).how, "complete");
  await settle();
  strictEqual(peer.credit(0), 0);
  stream.reset(ErrorCode.NO_ERROR);
  await settle();
  strictEqual(peer.credit(0), 40_000);
  strictEqual(peer.on(1, FrameType.RST_STREAM).length, 0);
  await finished({ client, peer });
});

Deno.test("a stream's window grows where half of it passes within two round trips, and not beyond its limit", async () => {
  for (
    const [roundTripMs, betweenMs, expected] of [
      [50, 50, [50_000, 150_000, 200_000, 150_000]],
      [0.5, 0.5, [50_000, 150_000, 200_000, 150_000]],
      [50, 100, [50_000, 150_000, 200_000, 150_000]],
      [50, 101, [50_000, 50_000, 50_000, 50_000]],
    ] as const
  ) {
    const time = new ManualTime();
    const { client, peer } = connect({
      clock: time.clock,
      schedule: time.schedule,
      limits: { streamWindowBytes: 100_000, maxStreamWindowBytes: 300_000 },
    });
    const { stream } = request(client);
    await peer.expect(FrameType.HEADERS);
    peer.headers(1, RESPONSE, false);
    const credits: number[] = [];
    for (let window = 100_000; credits.length < 4;) {
      const before = peer.credit(1);
      for (let sent = 0; sent < window / 2; sent += 10_000) {
        peer.data(1, new Uint8Array(10_000), false);
      }
      await settle();
      stream.release(window / 2);
      await settle();
      credits.push(peer.credit(1) - before);
      window += credits.at(-1)! - window / 2;
      const ping = peer.on(0, FrameType.PING).find(({ flags }) => flags === 0);
      time.advance(roundTripMs);
      if (credits.length === 1) {
        peer.send(frame(FrameType.PING, Flag.ACK, 0, ping!.payload));
        await settle();
      }
      time.advance(betweenMs - roundTripMs);
    }
    deepStrictEqual(credits, expected);
    await finished({ client, peer });
  }
});
