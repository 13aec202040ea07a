import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { openClientConnection } from "./connection/client_connection.ts";
import { ErrorCode } from "./error_code.ts";
import { Flag, FrameType } from "./frame/frame_header.ts";
import { encodeSettings, encodeSettingsAck, Setting } from "./frame/settings.ts";
import { memoryChannelPair } from "../../tests/support/http2/watched_pair.ts";
import {
  frame,
  joinBytes,
  ManualTime,
  RawPeer,
  REQUEST,
  RESPONSE,
  settle,
  textBytes,
} from "../../tests/support/http2/test_peer.ts";
import { connect, finished, request } from "../../tests/support/http2/raw_server.ts";

Deno.test("the acknowledgement of SETTINGS comes before what obeys them", async () => {
  const { client, peer } = connect();
  await settle();
  peer.frames.length = 0;
  peer.send(encodeSettings([[Setting.HEADER_TABLE_SIZE, 0]]));
  await settle();
  request(client);
  await settle();
  const [ack, headers] = peer.frames;
  deepStrictEqual([ack!.type, ack!.flags], [FrameType.SETTINGS, Flag.ACK]);
  strictEqual(headers!.type, FrameType.HEADERS);
  // RFC 7541 §4.2: the block begins with the table's new size.
  strictEqual(headers!.payload[0], 0x20);
  peer.decoder.limitTable(0);
  const { payload } = headers!;
  deepStrictEqual(peer.decoder.decode(payload, 0, payload.length).fields, REQUEST);
  await finished({ client, peer });
});

Deno.test("fields larger than the server accepts are not sent", async () => {
  const { client, peer } = connect({}, [[Setting.MAX_HEADER_LIST_SIZE, 300]]);
  await settle();
  const { answer } = request(client, { endStream: true }, [...REQUEST, "x", "a".repeat(300)]);
  strictEqual((await answer.ended).how, "not-processed");
  await finished({ client, peer });
});

Deno.test("a large header section is split and not interrupted", async () => {
  const { client, peer } = connect();
  await settle();
  const fields = [
    ...REQUEST,
    ...Array.from({ length: 9 }, (_, at) => [`x-${at}`, "\x80".repeat(5000)]).flat(),
  ];
  request(client, { endStream: true }, fields);
  request(client, { endStream: true, body: textBytes("x") });
  await settle();
  const types = peer.frames.filter(({ streamId }) => streamId > 0)
    .map(({ type, streamId, flags }) => [type, streamId, flags & Flag.END_HEADERS]);
  const more = FrameType.CONTINUATION;
  deepStrictEqual(types.slice(0, 4), [[FrameType.HEADERS, 1, 0], [more, 1, 0], [more, 1, 4], [
    FrameType.HEADERS,
    3,
    4,
  ]]);
  const block = joinBytes(
    peer.frames.filter(({ streamId, type }) => streamId === 1 && type !== FrameType.DATA).map((
      { payload },
    ) => payload),
  );
  deepStrictEqual(peer.decoder.decode(block, 0, block.length).fields, fields);
  await finished({ client, peer });
});

Deno.test("control frames and headers overtake queued data, and streams take turns", async () => {
  const { client, peer } = connect({}, [[Setting.INITIAL_WINDOW_SIZE, 1_000_000]]);
  await settle();
  peer.frames.length = 0;
  for (let count = 0; count < 3; count++) {
    request(client, { endStream: true, body: new Uint8Array(40_000) });
  }
  const ping = client.ping();
  await settle();
  deepStrictEqual(peer.frames.slice(0, 7).map(({ type, streamId }) => [type, streamId]), [
    [FrameType.PING, 0],
    [FrameType.HEADERS, 1],
    [FrameType.HEADERS, 3],
    [FrameType.HEADERS, 5],
    [FrameType.DATA, 1],
    [FrameType.DATA, 3],
    [FrameType.DATA, 5],
  ]);
  const { payload } = peer.frames[0]!;
  peer.send(frame(FrameType.PING, Flag.ACK, 0, payload));
  await ping;
  await finished({ client, peer });
});

Deno.test("secrets are never indexed, and times do not churn the table", async () => {
  const { client, peer } = connect();
  await settle();
  for (let turn = 0; turn < 3; turn++) {
    const fields = [...REQUEST, "authorization", "Bearer abc", "grpc-timeout", `${turn}00m`];
    request(client, { endStream: true }, fields);
    await settle();
  }
  const blocks = peer.frames.filter(({ type }) => type === FrameType.HEADERS);
  strictEqual(blocks.length, 3);
  // 0x1f 0x08: a literal never indexed, whose name is the static table's 23rd.
  for (const { payload } of blocks) strictEqual(payload.toHex().includes("1f08"), true);
  strictEqual(blocks[1]!.payload.length, blocks[2]!.payload.length);
  await finished({ client, peer });
});

Deno.test("silence is answered with a PING, and its silence with the loss of the connection", async () => {
  const time = new ManualTime();
  const { client, peer } = connect({ clock: time.clock, schedule: time.schedule });
  const { answer } = request(client);
  await settle();
  time.advance(20_000);
  const first = await peer.expect(FrameType.PING);
  peer.send(frame(FrameType.PING, Flag.ACK, 0, first.payload));
  await settle();
  time.advance(19_999);
  strictEqual(peer.on(0, FrameType.PING).length, 1);
  time.advance(1);
  await settle();
  strictEqual(peer.on(0, FrameType.PING).length, 2);
  time.advance(9999);
  strictEqual(client.state, "open");
  time.advance(1);
  strictEqual((await answer.ended).how, "connection-lost");
  strictEqual((await client.closed).how, "lost");
  strictEqual(time.armed, 0);
});

Deno.test("keepalive may be switched off", async () => {
  const time = new ManualTime();
  const { client, peer } = connect({
    clock: time.clock,
    schedule: time.schedule,
    limits: { keepaliveIdleMs: 0 },
  });
  await settle();
  strictEqual(time.armed <= 1, true);
  time.advance(1e6);
  strictEqual(client.state, "open");
  strictEqual(peer.on(0, FrameType.PING).length, 0);
  await finished({ client, peer });
});

Deno.test("the client assumes a hundred streams until SETTINGS arrive", async () => {
  const [near, far] = memoryChannelPair();
  const client = openClientConnection(near);
  const peer = new RawPeer(far, 24);
  strictEqual(client.capacity, 100);
  for (let count = 0; count < 150; count++) request(client);
  await settle();
  strictEqual(peer.frames.filter(({ type }) => type === FrameType.HEADERS).length, 100);
  peer.send(encodeSettings([]), encodeSettingsAck());
  await settle();
  strictEqual(peer.frames.filter(({ type }) => type === FrameType.HEADERS).length, 150);
  await finished({ client, peer });
});

Deno.test("a limit that arrives before HEADERS are written is kept to", async () => {
  const [near, far] = memoryChannelPair();
  const client = openClientConnection(near);
  const peer = new RawPeer(far, 24);
  await settle();
  const answers = Array.from({ length: 5 }, () => request(client).answer);
  // Delivered in a microtask, before the flush at the end of the turn.
  peer.send(encodeSettings([[Setting.MAX_CONCURRENT_STREAMS, 2]]), encodeSettingsAck());
  await settle();
  const ids = () => peer.frames.filter(({ type }) => type === FrameType.HEADERS);
  deepStrictEqual(ids().map(({ streamId }) => streamId), [1, 3]);
  peer.headers(1, RESPONSE, true);
  strictEqual((await answers[0]!.ended).how, "complete");
  await settle();
  deepStrictEqual(ids().map(({ streamId }) => streamId), [1, 3, 5]);
  await finished({ client, peer });
});

Deno.test("a reset names no stream that the peer has not seen", async () => {
  const { client, peer } = connect();
  await settle();
  peer.pause();
  const fields = [...REQUEST, "x-large", "\x80".repeat(15_000)];
  const requests = Array.from({ length: 20 }, () => request(client, { endStream: true }, fields));
  await settle();
  for (const { stream } of requests) stream.reset(ErrorCode.CANCEL);
  const ends = await Promise.all(requests.map(({ answer }) => answer.ended));
  peer.resume();
  await settle();
  const idsOf = (type: number) =>
    peer.frames.filter((frame) => frame.type === type).map(({ streamId }) => streamId);
  deepStrictEqual(idsOf(FrameType.RST_STREAM), idsOf(FrameType.HEADERS));
  const sent = ends.filter(({ how }) => how === "reset-by-us").length;
  strictEqual(sent, idsOf(FrameType.HEADERS).length);
  strictEqual(sent < 20, true);
  await finished({ client, peer });
});

Deno.test("frames that come instead of the answer to a keepalive ping keep the connection", async () => {
  const time = new ManualTime();
  const { client, peer } = connect({ clock: time.clock, schedule: time.schedule });
  const { stream } = request(client);
  await peer.expect(FrameType.HEADERS);
  peer.headers(1, RESPONSE, false);
  await settle();
  time.advance(20_000);
  await settle();
  strictEqual(peer.on(0, FrameType.PING).length, 1);
  for (let turn = 0; turn < 5; turn++) {
    time.advance(8000);
    peer.data(1, new Uint8Array(10), false);
    await settle();
    stream.release(10);
  }
  strictEqual(client.state, "open");
  time.advance(20_000);
  strictEqual((await client.closed).how, "lost");
  peer.destroy();
});
