import { strictEqual } from "node:assert/strict";
import { ErrorCode } from "./error_code.ts";
import { Flag, FrameType } from "./frame/frame_header.ts";
import { CLIENT_PREFACE } from "./frame/preface.ts";
import { encodeSettings, encodeSettingsAck, Setting } from "./frame/settings.ts";
import type { HeaderList } from "./header_list.ts";
import { memoryChannelPair } from "../../tests/support/http2/watched_pair.ts";
import { openServerConnection } from "./connection/server_connection.ts";
import {
  CollectedStream,
  frame,
  joinBytes,
  ManualTime,
  RawPeer,
  REQUEST,
  RESPONSE,
  settle,
  uint32,
} from "../../tests/support/http2/test_peer.ts";
import {
  attack,
  endsWith,
  PROTOCOL,
  resetsWith,
} from "../../tests/support/http2/hostile_client.ts";

Deno.test("streams above the limit are refused, and the others kept", async () => {
  const { peer, server } = attack({ limits: { maxConcurrentStreams: 2 } });
  for (const id of [1, 3, 5]) peer.headers(id, REQUEST, false);
  strictEqual(await peer.resetCode(5), ErrorCode.REFUSED_STREAM);
  strictEqual(server.streamCount, 2);
  peer.destroy();
  await server.closed;
});

Deno.test("our limit binds a peer that has not acknowledged it only at twice its size", async () => {
  const [near, far] = memoryChannelPair();
  const server = openServerConnection(far, {
    limits: { maxConcurrentStreams: 2 },
    onRequest: () => new CollectedStream(),
  });
  const peer = new RawPeer(near);
  peer.send(CLIENT_PREFACE, encodeSettings([]));
  for (const id of [1, 3, 5, 7, 9]) peer.headers(id, REQUEST, false);
  strictEqual(await peer.resetCode(9), ErrorCode.REFUSED_STREAM);
  strictEqual(server.streamCount, 4);
  peer.destroy();
  await server.closed;
});

Deno.test("WINDOW_UPDATE of 0 and beyond 2^31-1 are errors of their stream or connection", async () => {
  const window = (id: number, increment: number) =>
    frame(FrameType.WINDOW_UPDATE, 0, id, uint32(increment));
  const onStream = (increment: number) => (peer: RawPeer) => {
    peer.headers(1, REQUEST, false);
    peer.send(window(1, increment));
  };
  await endsWith(PROTOCOL, (peer) => peer.send(window(0, 0)));
  await endsWith(ErrorCode.FLOW_CONTROL_ERROR, (peer) => peer.send(window(0, 0x7fff_ffff)));
  await endsWith(PROTOCOL, (peer) => peer.send(window(1, 1)));
  await resetsWith(PROTOCOL, onStream(0));
  await resetsWith(ErrorCode.FLOW_CONTROL_ERROR, onStream(0x7fff_ffff));
});

Deno.test("an initial window that lifts a stream beyond 2^31-1 ends the connection", async () => {
  await endsWith(ErrorCode.FLOW_CONTROL_ERROR, (peer) => {
    peer.headers(1, REQUEST, false);
    peer.send(
      frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(0x7000_0000)),
      encodeSettings([[Setting.INITIAL_WINDOW_SIZE, 0x7fff_ffff]]),
    );
  });
});

Deno.test("DATA beyond a window is an error of the stream or the connection", async () => {
  const send = (peer: RawPeer) => {
    peer.headers(1, REQUEST, false);
    for (let at = 0; at < 5; at++) peer.data(1, new Uint8Array(16_384), false);
  };
  await resetsWith(ErrorCode.FLOW_CONTROL_ERROR, send, { limits: { streamWindowBytes: 65_536 } });
  await endsWith(ErrorCode.FLOW_CONTROL_ERROR, (peer) => {
    peer.headers(1, REQUEST, false);
    peer.data(1, new Uint8Array(65_536), false);
  }, { limits: { connectionWindowBytes: 65_535, maxFrameBytes: 100_000 } });
});

Deno.test("a window below the default binds only once the peer has acknowledged it", async () => {
  const [near, far] = memoryChannelPair();
  const server = openServerConnection(far, {
    limits: { streamWindowBytes: 100 },
    onRequest: () => new CollectedStream(),
  });
  const peer = new RawPeer(near);
  peer.send(CLIENT_PREFACE, encodeSettings([]));
  peer.headers(1, REQUEST, false);
  peer.data(1, new Uint8Array(101), false);
  await peer.synced();
  strictEqual(server.streamCount, 1);
  peer.send(encodeSettingsAck());
  peer.data(1, new Uint8Array(1), false);
  strictEqual(await peer.resetCode(1), ErrorCode.FLOW_CONTROL_ERROR);
  peer.destroy();
  await server.closed;
});

Deno.test("frames in the wrong stream state get the codes of RFC 9113 §5.1", async () => {
  await endsWith(PROTOCOL, (peer) => peer.data(1, new Uint8Array(1), true));
  await endsWith(PROTOCOL, (peer) => peer.send(frame(FrameType.RST_STREAM, 0, 1, uint32(0))));
  await endsWith(PROTOCOL, (peer) => peer.headers(2, REQUEST, true));
  await endsWith(PROTOCOL, (peer) => {
    peer.headers(5, REQUEST, false);
    peer.headers(3, REQUEST, false);
  });
  await resetsWith(ErrorCode.STREAM_CLOSED, (peer) => {
    peer.headers(1, REQUEST, true);
    peer.data(1, new Uint8Array(1), true);
  });
  await resetsWith(ErrorCode.STREAM_CLOSED, (peer) => {
    peer.headers(1, REQUEST, true);
    peer.headers(1, ["x", "y"], true);
  });
  await resetsWith(ErrorCode.STREAM_CLOSED, (peer) => {
    peer.headers(1, REQUEST, false);
    peer.send(frame(FrameType.RST_STREAM, 0, 1, uint32(ErrorCode.CANCEL)));
    peer.data(1, new Uint8Array(1), true);
  });
});

Deno.test("frames that crossed our RST_STREAM are ignored, and their credit returned", async () => {
  const { peer, server, streams } = attack({ limits: { connectionWindowBytes: 65_535 } });
  peer.headers(1, REQUEST, false);
  await peer.synced();
  streams[0]!.reset(ErrorCode.CANCEL);
  await peer.resetCode(1);
  for (let at = 0; at < 4; at++) peer.data(1, new Uint8Array(16_000), false);
  peer.headers(1, ["x", "y"], true);
  await peer.synced();
  strictEqual(server.state, "open");
  strictEqual(peer.credit(0) >= 32_000, true);
  peer.destroy();
  await server.closed;
});

Deno.test("padding is given credit for at once", async () => {
  const limits = { connectionWindowBytes: 65_535, streamWindowBytes: 65_535 };
  const { peer, server, requests } = attack({ limits });
  peer.headers(1, REQUEST, false);
  const padded = new Uint8Array(201);
  padded[0] = 200;
  for (let at = 0; at < 200; at++) peer.send(frame(FrameType.DATA, Flag.PADDED, 1, padded));
  await peer.synced();
  strictEqual(requests[0]!.bytes.length, 0);
  strictEqual(peer.credit(0) > 32_000, true);
  strictEqual(peer.credit(1) > 32_000, true);
  peer.destroy();
  await server.closed;
});

const MALFORMED: readonly (readonly [string, HeaderList])[] = [
  ["an upper-case name", [...REQUEST, "X-Upper", "1"]],
  ["a connection field", [...REQUEST, "connection", "close"]],
  ["a transfer-encoding", [...REQUEST, "transfer-encoding", "chunked"]],
  ["an upgrade", [...REQUEST, "upgrade", "h2c"]],
  ["a te other than trailers", [...REQUEST, "te", "gzip"]],
  ["a line feed in a value", [...REQUEST, "x", "a\nb: c"]],
  ["a carriage return in a value", [...REQUEST, "x", "a\r"]],
  ["a NUL in a value", [...REQUEST, "x", "a\0b"]],
  ["white space around a value", [...REQUEST, "x", " a"]],
  ["a space in a name", [...REQUEST, "x y", "1"]],
  ["an empty name", [...REQUEST, "", "1"]],
  ["a pseudo-header after a regular field", [...REQUEST, ":path", "/"]],
  ["an unknown pseudo-header", [":unknown", "1", ...REQUEST]],
  ["a doubled pseudo-header", [":method", "GET", ...REQUEST]],
  ["a response's pseudo-header", [":status", "200", ...REQUEST]],
  ["no method", REQUEST.slice(2)],
  ["no path", REQUEST.filter((text) => text !== ":path" && text !== "/echo")],
  ["an empty path", REQUEST.map((text) => text === "/echo" ? "" : text)],
  ["a path with a space", REQUEST.map((text) => text === "/echo" ? "/a HTTP/1.1" : text)],
  [
    "user information in the authority",
    REQUEST.map((text) => text === "worker.test" ? "a@b" : text),
  ],
  ["a host that differs", [...REQUEST, "host", "other.test"]],
  ["two content-lengths", [...REQUEST, "content-length", "1", "content-length", "2"]],
  ["a content-length that is no number", [...REQUEST, "content-length", "+1"]],
  ["a CONNECT with a path", [":method", "CONNECT", ":authority", "a:1", ":path", "/"]],
];

for (const [name, fields] of MALFORMED) {
  Deno.test(`a request with ${name} is reset with PROTOCOL_ERROR`, async () => {
    await resetsWith(PROTOCOL, (peer) => peer.headers(1, fields, false));
  });
}

Deno.test("a body that differs from its content-length is reset with PROTOCOL_ERROR", async () => {
  const fields = [...REQUEST, "content-length", "3"];
  await resetsWith(PROTOCOL, (peer) => {
    peer.headers(1, fields, false);
    peer.data(1, new Uint8Array(4), false);
  });
  await resetsWith(PROTOCOL, (peer) => {
    peer.headers(1, fields, false);
    peer.data(1, new Uint8Array(2), true);
  });
  await resetsWith(PROTOCOL, (peer) => peer.headers(1, fields, true));
  await resetsWith(PROTOCOL, (peer) => {
    peer.headers(1, fields, false);
    peer.headers(1, ["x", "y"], true);
  });
});

Deno.test("trailers that lie are reset with PROTOCOL_ERROR", async () => {
  for (
    const trailers of [
      [":path", "/"],
      ["content-length", "0"],
      ["transfer-encoding", "chunked"],
      ["X", "y"],
      ["host", "other.test"],
    ]
  ) {
    await resetsWith(PROTOCOL, (peer) => {
      peer.headers(1, REQUEST, false);
      peer.headers(1, trailers, true);
    });
  }
  await resetsWith(PROTOCOL, (peer) => {
    peer.headers(1, REQUEST, false);
    peer.headers(1, ["x", "y"], false);
  });
});

Deno.test("GOAWAY whose last id rises ends with PROTOCOL_ERROR", async () => {
  const goAway = (last: number) =>
    frame(FrameType.GOAWAY, 0, 0, joinBytes([uint32(last), uint32(0)]));
  await endsWith(PROTOCOL, (peer) => {
    peer.headers(1, REQUEST, false);
    peer.send(goAway(2), goAway(4));
  });
});

Deno.test("a client that half-closes still gets the answers that are under way", async () => {
  const { peer, server, streams } = attack();
  peer.headers(1, REQUEST, true);
  peer.headers(3, REQUEST, false);
  await peer.synced();
  peer.end();
  await settle();
  strictEqual(server.streamCount, 1);
  streams[0]!.sendHeaders(RESPONSE, true);
  await peer.expect(FrameType.HEADERS, ({ streamId }) => streamId === 1);
  await server.closed;
});

Deno.test("a client that ends its side is written to again and again, which finds out one that is gone", async () => {
  const time = new ManualTime();
  const { peer, server } = attack({ clock: time.clock, schedule: time.schedule });
  peer.headers(1, REQUEST, true);
  await peer.synced();
  const pings = () => peer.on(0, FrameType.PING).filter(({ flags }) => flags === 0).length;
  peer.end();
  await settle();
  strictEqual(pings(), 1);
  for (const sent of [2, 3, 4]) {
    time.advance(2000);
    await settle();
    strictEqual(pings(), sent);
  }
  strictEqual(server.streamCount, 1);
  peer.destroy();
  await server.closed;
  strictEqual(time.armed, 0);
});

Deno.test("random frames from a client never throw out of the connection", async () => {
  const random = mulberry32(7);
  for (let run = 0; run < 60; run++) {
    const { peer, server } = attack();
    peer.headers(1, REQUEST, false);
    for (let count = 0; count < 30; count++) {
      const payload = Uint8Array.from({ length: random() % 30 }, () => random());
      peer.send(frame(random() % 11, random(), random() % 7, payload));
    }
    peer.end();
    await settle();
    peer.destroy();
    const { error } = await server.closed;
    strictEqual(error === undefined || error.name === "Http2Violation", true, error?.stack);
  }
});

/** A small generator with a seed, so that a failure comes again. */
function mulberry32(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 24;
  };
}
