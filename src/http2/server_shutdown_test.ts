import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { setImmediate } from "node:timers";
import { isDeepStrictEqual } from "node:util";
import { ErrorCode } from "./error_code.ts";
import { Flag, FrameType, readUint31, readUint32 } from "./frame/frame_header.ts";
import { Setting } from "./frame/settings.ts";
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
} from "../../tests/support/http2/test_peer.ts";
import { connect, finished, goAway, request } from "../../tests/support/http2/raw_server.ts";

Deno.test("GOAWAY gives back the streams that wait for their turn", async () => {
  const setup = connect({}, [[Setting.MAX_CONCURRENT_STREAMS, 1]]);
  await settle();
  request(setup.client);
  const waiting = request(setup.client).answer;
  await setup.peer.expect(FrameType.HEADERS);
  setup.peer.send(goAway(1, ErrorCode.NO_ERROR));
  strictEqual((await waiting.ended).how, "not-processed");
  strictEqual(setup.client.streamCount, 1);
  await finished(setup);
});

Deno.test("GOAWAY disowns streams above its last id, and the others finish", async () => {
  const reported: unknown[] = [];
  const { client, peer } = connect({
    onGoAway: ({ lastStreamId, code, debugData }) =>
      reported.push([lastStreamId, code, new TextDecoder().decode(debugData)]),
  });
  const first = request(client).answer;
  const second = request(client).answer;
  await peer.expect(FrameType.HEADERS, ({ streamId }) => streamId === 3);
  peer.send(goAway(1, ErrorCode.NO_ERROR, "bye"));
  deepStrictEqual(await second.ended, { how: "not-processed", code: ErrorCode.NO_ERROR });
  strictEqual(client.state, "draining");
  strictEqual(client.capacity, 0);
  deepStrictEqual(reported, [[1, ErrorCode.NO_ERROR, "bye"]]);
  peer.headers(1, RESPONSE, true);
  strictEqual((await first.ended).how, "complete");
  await peer.expect(FrameType.GOAWAY);
  peer.end();
  strictEqual((await client.closed).how, "orderly");
});

Deno.test("GOAWAY with an error is reported as an accusation with bounded debug data", async () => {
  const { client, peer } = connect();
  const { answer } = request(client);
  await peer.expect(FrameType.HEADERS);
  peer.send(goAway(0, ErrorCode.INADEQUATE_SECURITY, "x".repeat(1000)));
  peer.end();
  strictEqual((await answer.ended).how, "not-processed");
  const { how, code, debugData } = await client.closed;
  deepStrictEqual({ how, code, length: debugData?.length }, {
    how: "accused",
    code: ErrorCode.INADEQUATE_SECURITY,
    length: 256,
  });
});

Deno.test("GOAWAY whose last id rises ends with PROTOCOL_ERROR", async () => {
  const { client, peer } = connect();
  request(client);
  await peer.expect(FrameType.HEADERS);
  peer.send(goAway(2 ** 31 - 1, 0), goAway(3, 0), goAway(5, 0));
  strictEqual(await peer.goAwayCode(), ErrorCode.PROTOCOL_ERROR);
  await finished({ client, peer });
});

for (const leaves of ["sends GOAWAY", "ends", "is asked to leave"] as const) {
  Deno.test(`a client that has used the last stream id there is and ${leaves} is sent it as any other`, async () => {
    const [near, far] = memoryChannelPair();
    const server = openServerConnection(far, {
      onRequest: (stream) => {
        queueMicrotask(() => stream.sendHeaders(RESPONSE, true));
        return new CollectedStream();
      },
    });
    const peer = RawPeer.client(near);
    peer.headers(2 ** 31 - 1, REQUEST, true);
    await peer.expect(FrameType.HEADERS);
    if (leaves === "sends GOAWAY") peer.send(goAway(0, ErrorCode.NO_ERROR));
    if (leaves === "ends") peer.end();
    if (leaves === "is asked to leave") {
      server.shutdown();
      // The two round trips of a shutdown.
      const answered = new Set<unknown>();
      for (let trip = 0; trip < 2; trip++) {
        const ping = await peer.expect(FrameType.PING, (ping) => !answered.has(ping));
        peer.send(frame(FrameType.PING, Flag.ACK, 0, ping.payload));
        answered.add(ping);
      }
    }
    // Far more turns than it takes: where one begins the next, it would not settle.
    for (let turn = 0; turn < 50; turn++) await new Promise((next) => setImmediate(next));
    const ids = peer.on(0, FrameType.GOAWAY).map(({ payload }) => readUint31(payload, 0));
    const last = 2 ** 31 - 1;
    deepStrictEqual(ids, leaves === "is asked to leave" ? [last, last] : [last]);
    peer.end();
    strictEqual((await server.closed).how, "orderly");
  });
}

Deno.test("the server's two-step shutdown is announced with falling ids", async () => {
  const [near, far] = memoryChannelPair();
  const streams: Stream[] = [];
  const server = openServerConnection(far, {
    onRequest: (stream) => {
      streams.push(stream);
      return new CollectedStream();
    },
  });
  const peer = RawPeer.client(near);
  peer.headers(1, REQUEST, true);
  await peer.synced();
  const over = server.shutdown();
  const ping = await peer.expect(FrameType.PING, ({ flags }) => flags === 0);
  // As some peers do, the answer leaves ahead of a request that was there before.
  peer.send(frame(FrameType.PING, Flag.ACK, 0, ping.payload));
  peer.headers(3, REQUEST, true);
  const again = await peer.expect(
    FrameType.PING,
    ({ flags, payload }) => flags === 0 && !isDeepStrictEqual(payload, ping.payload),
  );
  peer.send(frame(FrameType.PING, Flag.ACK, 0, again.payload));
  await peer.synced();
  const ids = () => peer.on(0, FrameType.GOAWAY).map(({ payload }) => readUint31(payload, 0));
  deepStrictEqual(ids(), [2 ** 31 - 1, 3]);
  peer.headers(5, REQUEST, true);
  strictEqual(await peer.resetCode(5), ErrorCode.REFUSED_STREAM);
  for (const stream of streams) stream.sendHeaders(RESPONSE, true);
  await peer.expect(FrameType.HEADERS, ({ streamId }) => streamId === 3);
  await settle();
  strictEqual(peer.isEnded, true);
  peer.end();
  strictEqual((await over).how, "orderly");
  deepStrictEqual(ids(), [2 ** 31 - 1, 3]);
  strictEqual(
    peer.on(0, FrameType.GOAWAY).every(({ payload }) => readUint32(payload, 4) === 0),
    true,
  );
});
