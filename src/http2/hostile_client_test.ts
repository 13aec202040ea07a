import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { ByteBudget } from "./guard/byte_budget.ts";
import type {
  ConnectionOptions,
  ServerConnection,
  ServerConnectionOptions,
} from "./connection/connection.ts";
import { ErrorCode } from "./error_code.ts";
import { Flag, FrameType } from "./frame/frame_header.ts";
import { CLIENT_PREFACE } from "./frame/preface.ts";
import { encodeSettings, encodeSettingsAck, Setting } from "./frame/settings.ts";
import type { HeaderList } from "./header_list.ts";
import { memoryChannelPair } from "../../tests/support/http2/watched_pair.ts";
import { openServerConnection } from "./connection/server_connection.ts";
import type { Stream } from "./streams/stream.ts";
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

interface Attack {
  readonly peer: RawPeer;
  readonly server: ServerConnection;
  readonly requests: CollectedStream[];
  readonly streams: Stream[];
}

/** A server that takes every request and answers none, and a raw client on it. */
function attack(
  options: ConnectionOptions = {},
  settings: readonly (readonly [number, number])[] = [],
  onRequest?: ServerConnectionOptions["onRequest"],
): Attack {
  const [near, far] = memoryChannelPair();
  const requests: CollectedStream[] = [];
  const streams: Stream[] = [];
  const server = openServerConnection(far, {
    ...options,
    onRequest: onRequest ?? ((stream) => {
      const request = new CollectedStream();
      requests.push(request);
      streams.push(stream);
      return request;
    }),
  });
  return { peer: RawPeer.client(near, settings), server, requests, streams };
}

/** Frozen time: budgets earn nothing back. */
function frozen(limits: ConnectionOptions["limits"] = {}): ConnectionOptions {
  const time = new ManualTime();
  return { clock: time.clock, schedule: time.schedule, limits };
}

async function endsWith(
  code: number,
  frames: (peer: RawPeer) => void,
  options?: ConnectionOptions,
): Promise<void> {
  const { peer, server } = attack(options);
  frames(peer);
  strictEqual(await peer.goAwayCode(), code);
  peer.end();
  const end = await server.closed;
  deepStrictEqual({ how: end.how, code: end.code }, { how: "violated", code });
}

async function resetsWith(
  code: number,
  frames: (peer: RawPeer) => void,
  options?: ConnectionOptions,
): Promise<void> {
  const { peer, server } = attack(options);
  frames(peer);
  strictEqual(await peer.resetCode(1), code);
  // The connection goes on.
  peer.headers(3, REQUEST, true);
  await peer.synced();
  strictEqual(server.streamCount, 1);
  peer.destroy();
  await server.closed;
}

const CALM = ErrorCode.ENHANCE_YOUR_CALM;
const PROTOCOL = ErrorCode.PROTOCOL_ERROR;

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

Deno.test("a preface that does not come in time ends with SETTINGS_TIMEOUT", async () => {
  const time = new ManualTime();
  const [near, far] = memoryChannelPair();
  const server = openServerConnection(far, {
    clock: time.clock,
    schedule: time.schedule,
    onRequest: () => new CollectedStream(),
  });
  const peer = new RawPeer(near);
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
  const time = new ManualTime();
  const [near, far] = memoryChannelPair();
  const server = openServerConnection(far, {
    clock: time.clock,
    schedule: time.schedule,
    onRequest: () => new CollectedStream(),
  });
  const peer = new RawPeer(near);
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

Deno.test("a client that ends its side is written to twice, which finds out one that is gone", async () => {
  const time = new ManualTime();
  const { peer, server } = attack({ clock: time.clock, schedule: time.schedule });
  peer.headers(1, REQUEST, true);
  await peer.synced();
  const pings = () => peer.on(0, FrameType.PING).filter(({ flags }) => flags === 0).length;
  peer.end();
  await settle();
  strictEqual(pings(), 1);
  time.advance(2000);
  await settle();
  strictEqual(pings(), 2);
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

/** One turn of the event loop. */
function settleOnce(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

/** A small generator with a seed, so that a failure comes again. */
function mulberry32(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 24;
  };
}
