import { strictEqual } from "node:assert/strict";
import { ByteBudget } from "./guard/byte_budget.ts";
import { ErrorCode } from "./error_code.ts";
import { FrameType } from "./frame/frame_header.ts";
import { CLIENT_PREFACE } from "./frame/preface.ts";
import { encodeSettings, Setting } from "./frame/settings.ts";
import { memoryChannelPair } from "../../tests/support/http2/watched_pair.ts";
import { openServerConnection } from "./connection/server_connection.ts";
import {
  CollectedStream,
  frame,
  ManualTime,
  RawPeer,
  REQUEST,
  RESPONSE,
  settle,
  uint32,
} from "../../tests/support/http2/test_peer.ts";
import { attack, CALM, endsWith } from "../../tests/support/http2/hostile_client.ts";

/** A peer that has sent nothing yet. */
function silentPeer() {
  const time = new ManualTime();
  const [near, far] = memoryChannelPair();
  const server = openServerConnection(far, {
    clock: time.clock,
    schedule: time.schedule,
    onRequest: () => new CollectedStream(),
  });
  return { time, peer: new RawPeer(near), server };
}

Deno.test("a preface that does not come in time ends with SETTINGS_TIMEOUT", async () => {
  const { time, peer, server } = silentPeer();
  peer.send(CLIENT_PREFACE.slice(0, 20));
  await settle();
  time.advance(4999);
  strictEqual(server.state, "open");
  time.advance(1);
  strictEqual(await peer.goAwayCode(), ErrorCode.SETTINGS_TIMEOUT);
  // A peer that does not close its side either is cut off.
  time.advance(2000);
  strictEqual((await server.closed).how, "violated");
  strictEqual(time.armed, 0);
});

Deno.test("SETTINGS that are not acknowledged in time end with SETTINGS_TIMEOUT", async () => {
  const { time, peer, server } = silentPeer();
  peer.send(CLIENT_PREFACE, encodeSettings([]));
  await peer.synced();
  time.advance(10_000);
  strictEqual(await peer.goAwayCode(), ErrorCode.SETTINGS_TIMEOUT);
  peer.destroy();
  await server.closed;
});

Deno.test("a header block that drips ends with ENHANCE_YOUR_CALM", async () => {
  for (const torn of [true, false]) {
    const time = new ManualTime();
    const { peer, server } = attack({ clock: time.clock, schedule: time.schedule });
    const headers = frame(FrameType.HEADERS, 0, 1, peer.block(REQUEST));
    await peer.synced();
    peer.send(torn ? headers.slice(0, 12) : headers);
    await settle();
    time.advance(9999);
    strictEqual(server.state, "open");
    time.advance(1);
    strictEqual(await peer.goAwayCode(), CALM);
    peer.destroy();
    await server.closed;
  }
});

Deno.test("a peer that drips a frame for ever does not answer the keepalive ping and is lost", async () => {
  const time = new ManualTime();
  const { peer, server, requests } = attack({ clock: time.clock, schedule: time.schedule });
  peer.headers(1, REQUEST, false);
  await peer.synced();
  const drip = frame(FrameType.DATA, 0, 1, new Uint8Array(1000));
  for (let at = 0; at < 31; at++) {
    peer.send(drip.slice(at, at + 1));
    await settle();
    time.advance(1000);
  }
  strictEqual((await server.closed).how, "lost");
  strictEqual((await requests[0]!.ended).how, "connection-lost");
  strictEqual(time.armed, 0);
});

Deno.test("a peer that holds its window at zero while asking for data is cut off", async () => {
  const time = new ManualTime();
  const body = new Uint8Array(100_000);
  const { peer, server } = attack(
    { clock: time.clock, schedule: time.schedule, limits: { maxQueuedBytes: 500_000 } },
    [[Setting.INITIAL_WINDOW_SIZE, 0]],
    (stream) => {
      stream.sendHeaders(RESPONSE, false);
      stream.sendData(body, true);
      return new CollectedStream();
    },
  );
  for (let id = 1; id < 41; id += 2) peer.headers(id, REQUEST, true);
  await peer.synced();
  // Above the limit no more is taken on.
  strictEqual(server.streamCount, 6);
  strictEqual(await peer.resetCode(39), ErrorCode.REFUSED_STREAM);
  time.advance(10_000);
  strictEqual(await peer.goAwayCode(), CALM);
  peer.destroy();
  await server.closed;
});

Deno.test("a peer that takes what it asked for is not cut off", async () => {
  const time = new ManualTime();
  const { peer, server } = attack(
    { clock: time.clock, schedule: time.schedule, limits: { maxQueuedBytes: 500_000 } },
    [],
    (stream) => {
      stream.sendHeaders(RESPONSE, false);
      stream.sendData(new Uint8Array(700_000), true);
      return new CollectedStream();
    },
  );
  peer.headers(1, REQUEST, true);
  for (let turn = 0; turn < 5; turn++) {
    await peer.synced();
    time.advance(9000);
    peer.send(frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(10_000)));
    peer.send(frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(10_000)));
  }
  await peer.synced();
  strictEqual(server.state, "open");
  peer.destroy();
  await server.closed;
});

Deno.test("unread frames are bounded however small they are", async () => {
  await endsWith(CALM, (peer) => {
    peer.headers(1, REQUEST, false);
    for (let at = 0; at < 300; at++) peer.data(1, new Uint8Array(1), false);
  }, { limits: { maxUnreadFrames: 200 } });
});

Deno.test("a connection with more than its share of a used-up budget is cut off", async () => {
  const budget = new ByteBudget(50_000);
  const modest = attack({ budget });
  modest.peer.headers(1, REQUEST, false);
  modest.peer.data(1, new Uint8Array(1000), false);
  await modest.peer.synced();
  const greedy = attack({ budget });
  greedy.peer.headers(1, REQUEST, false);
  for (let at = 0; at < 4; at++) greedy.peer.data(1, new Uint8Array(16_000), false);
  strictEqual(await greedy.peer.goAwayCode(), CALM);
  greedy.peer.destroy();
  await greedy.server.closed;
  await modest.peer.synced();
  strictEqual(modest.server.state, "open");
  strictEqual(budget.heldBytes < 2000, true);
  modest.peer.destroy();
  await modest.server.closed;
  strictEqual(budget.heldBytes, 0);
});

Deno.test("unread DATA is copied where views of what was read at once would hold more than the budget", async () => {
  const budget = new ByteBudget(800_000);
  const { peer, server, requests } = attack({ budget });
  const others = Array.from({ length: 3 }, () => frame(0x77, 0, 0, new Uint8Array(16_000)));
  for (let id = 1; id < 60; id += 2) {
    peer.headers(id, REQUEST, false);
    // One read, of which a part that may be a view stays unread.
    peer.send(frame(FrameType.DATA, 0, id, new Uint8Array(14_000)), ...others);
  }
  await peer.synced();
  const kept = requests.flatMap(({ chunks }) => chunks);
  strictEqual(kept.length, 30);
  const held = kept.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
  strictEqual(held > budget.heldBytes, true, "the first are views");
  strictEqual(held <= budget.limitBytes * 1.5, true, `${held} octets`);
  peer.destroy();
  await server.closed;
});
