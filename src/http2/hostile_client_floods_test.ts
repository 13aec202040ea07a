import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { ErrorCode } from "./error_code.ts";
import { Flag, FrameType } from "./frame/frame_header.ts";
import { encodeSettings, encodeSettingsAck, Setting } from "./frame/settings.ts";
import type { HeaderList } from "./header_list.ts";
import {
  CollectedStream,
  frame,
  joinBytes,
  REQUEST,
  RESPONSE,
  settle,
  uint32,
} from "../../tests/support/http2/test_peer.ts";
import { attack, CALM, endsWith, frozen } from "../../tests/support/http2/hostile_client.ts";

Deno.test("rapid reset ends with ENHANCE_YOUR_CALM", async () => {
  await endsWith(CALM, (peer) => {
    for (let id = 1; id < 500; id += 2) {
      peer.headers(id, REQUEST, true);
      peer.send(frame(FrameType.RST_STREAM, 0, id, uint32(ErrorCode.CANCEL)));
    }
  }, frozen({ resetBurst: 100 }));
});

Deno.test("made-you-reset ends with ENHANCE_YOUR_CALM", async () => {
  await endsWith(CALM, (peer) => {
    for (let id = 1; id < 500; id += 2) {
      peer.headers(id, REQUEST, false);
      peer.send(frame(FrameType.WINDOW_UPDATE, 0, id, uint32(0)));
    }
  }, frozen({ resetBurst: 100 }));
});

Deno.test("streams that complete earn resets back", async () => {
  const { peer, server } = attack(frozen({ resetBurst: 10 }), [], (stream) => {
    if (stream.id % 4 === 1) stream.sendHeaders(RESPONSE, true);
    return new CollectedStream();
  });
  for (let id = 1; id < 200; id += 2) {
    peer.headers(id, REQUEST, true);
    if (id % 4 === 1) await peer.expect(FrameType.HEADERS, ({ streamId }) => streamId === id);
    else peer.send(frame(FrameType.RST_STREAM, 0, id, uint32(ErrorCode.CANCEL)));
  }
  await peer.synced();
  strictEqual(server.state, "open");
  peer.destroy();
  await server.closed;
});

for (
  const [name, flood] of [
    ["SETTINGS", encodeSettings([])],
    ["PING", frame(FrameType.PING, 0, 0, new Uint8Array(8))],
    ["PING answers that nobody asked for", frame(FrameType.PING, Flag.ACK, 0, new Uint8Array(8))],
    ["SETTINGS acknowledgements", encodeSettingsAck()],
    ["empty DATA", frame(FrameType.DATA, 0, 1)],
    ["PRIORITY", frame(FrameType.PRIORITY, 0, 1, Uint8Array.of(0, 0, 0, 3, 1))],
    ["WINDOW_UPDATE", frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(1))],
    ["unknown frames", frame(0x50, 0, 1)],
    ["RST_STREAM on a closed stream", frame(FrameType.RST_STREAM, 0, 3, uint32(0))],
  ] as const
) {
  Deno.test(`a flood of ${name} ends with ENHANCE_YOUR_CALM`, async () => {
    await endsWith(CALM, (peer) => {
      peer.headers(3, REQUEST, false);
      peer.send(frame(FrameType.RST_STREAM, 0, 3, uint32(ErrorCode.CANCEL)));
      peer.headers(5, REQUEST, false);
      const id = flood[3] === FrameType.RST_STREAM ? 3 : 5;
      const bytes = flood.slice();
      if (bytes[8] === 1) bytes[8] = id;
      for (let count = 0; count < 300; count++) peer.send(bytes);
    }, frozen({ overheadFrameBurst: 200 }));
  });
}

Deno.test("a flood of settings within one frame ends with ENHANCE_YOUR_CALM", async () => {
  await endsWith(CALM, (peer) => {
    const windows = Array.from(
      { length: 2000 },
      (_, at) => [Setting.INITIAL_WINDOW_SIZE, at] as const,
    );
    peer.send(encodeSettings(windows));
  }, frozen({ overheadFrameBurst: 1000 }));
});

Deno.test("windows opened octet by octet end with ENHANCE_YOUR_CALM", async () => {
  const { peer, server } = attack(
    frozen({ overheadFrameBurst: 200 }),
    [[Setting.INITIAL_WINDOW_SIZE, 0]],
    (stream) => {
      stream.sendHeaders(RESPONSE, false);
      stream.sendData(new Uint8Array(10_000), true);
      return new CollectedStream();
    },
  );
  peer.headers(1, REQUEST, true);
  for (let count = 0; count < 400; count++) {
    peer.send(frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(1)));
    await settleOnce();
  }
  strictEqual(await peer.goAwayCode(), CALM);
  peer.destroy();
  await server.closed;
});

Deno.test("a peer that asks for answers and does not read ends with ENHANCE_YOUR_CALM", async () => {
  const limits = { maxQueuedControlBytes: 4096, overheadFrameBurst: 1e6 };
  const { peer, server } = attack(frozen(limits));
  await peer.synced();
  peer.pause();
  for (let chunk = 0; chunk < 40; chunk++) {
    peer.send(joinBytes(Array(1000).fill(frame(FrameType.PING, 0, 0, new Uint8Array(8)))));
  }
  await settle();
  strictEqual(server.state, "closed");
  peer.resume();
  strictEqual(await peer.goAwayCode(), CALM);
  peer.destroy();
  await server.closed;
});

Deno.test("a CONTINUATION flood ends with ENHANCE_YOUR_CALM", async () => {
  await endsWith(CALM, (peer) => {
    peer.send(frame(FrameType.HEADERS, 0, 1, peer.block(REQUEST)));
    for (let count = 0; count < 40; count++) peer.send(frame(FrameType.CONTINUATION, 0, 1));
  });
  await endsWith(CALM, (peer) => {
    peer.send(frame(FrameType.HEADERS, 0, 1, new Uint8Array(16_000)));
    for (let count = 0; count < 5; count++) {
      peer.send(frame(FrameType.CONTINUATION, 0, 1, new Uint8Array(16_000)));
    }
  });
});

Deno.test("a header list over the limit is answered with 431 and the next request served", async () => {
  const { peer, server, requests } = attack();
  peer.headers(1, [...REQUEST, "x-large", "a".repeat(17_000)], false);
  const { payload, flags } = await peer.expect(FrameType.HEADERS);
  const { fields } = peer.decoder.decode(payload, 0, payload.length);
  deepStrictEqual(fields, [":status", "431"]);
  strictEqual(flags & Flag.END_STREAM, Flag.END_STREAM);
  strictEqual(await peer.resetCode(1), ErrorCode.NO_ERROR);
  peer.headers(3, REQUEST, true);
  await peer.synced();
  strictEqual(requests.length, 1);
  peer.destroy();
  await server.closed;
});

Deno.test("a header bomb ends with ENHANCE_YOUR_CALM", async () => {
  await endsWith(CALM, (peer) => {
    // One entry of 4,000 octets, then two octets' worth of it a thousand times.
    const entry = peer.block(["x-bomb", "a".repeat(1900)]);
    peer.send(frame(FrameType.HEADERS, Flag.END_HEADERS, 1, entry));
    peer.send(frame(FrameType.HEADERS, Flag.END_HEADERS, 3, new Uint8Array(10_000).fill(0xbe)));
  });
});

Deno.test("a table thrash of size updates ends with COMPRESSION_ERROR", async () => {
  await endsWith(ErrorCode.COMPRESSION_ERROR, (peer) => {
    const thrash = new Uint8Array(1000).fill(0x20);
    peer.send(frame(FrameType.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, 1, thrash));
  });
});

Deno.test("an undecodable block ends with COMPRESSION_ERROR even on a refused stream", async () => {
  await endsWith(ErrorCode.COMPRESSION_ERROR, (peer) => {
    peer.headers(1, REQUEST, false);
    peer.send(frame(FrameType.HEADERS, Flag.END_HEADERS, 3, Uint8Array.of(0xff, 0x80)));
  }, { limits: { maxConcurrentStreams: 1 } });
});

Deno.test("blocks of refused streams keep the compression table whole", async () => {
  const { peer, server, requests } = attack({ limits: { maxConcurrentStreams: 1 } });
  await peer.expect(FrameType.SETTINGS);
  peer.headers(1, REQUEST, false);
  peer.headers(3, [...REQUEST, "x-new", "entry"], false);
  strictEqual(await peer.resetCode(3), ErrorCode.REFUSED_STREAM);
  peer.send(frame(FrameType.RST_STREAM, 0, 1, uint32(ErrorCode.CANCEL)));
  const later: HeaderList = [...REQUEST, "x-new", "entry"];
  peer.headers(5, later, true);
  await peer.synced();
  strictEqual(requests.length, 2);
  strictEqual(server.streamCount, 1);
  peer.destroy();
  await server.closed;
});

/** One turn of the event loop. */
function settleOnce(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
