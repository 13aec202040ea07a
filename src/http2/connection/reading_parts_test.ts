import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import fc from "../../../tests/support/fast_check.ts";
import { frame, joinBytes, REQUEST, uint32 } from "../../../tests/support/http2/test_peer.ts";
import type { ByteChannel, ByteReceiver } from "../byte_channel.ts";
import { Flag, FrameType } from "../frame/frame_header.ts";
import { FrameReader } from "../frame/frame_reader.ts";
import type { FrameSink } from "../frame/frame_sink.ts";
import { CLIENT_PREFACE } from "../frame/preface.ts";
import { encodeSettings } from "../frame/settings.ts";
import { HpackEncoder, maxBlockBytes } from "../hpack/mod.ts";
import { ByteBudget } from "../guard/byte_budget.ts";
import { ReadingParts } from "./reading_parts.ts";
import { openServerConnection } from "./server_connection.ts";

const LIMITS = { maxFrameBytes: 16_384, maxHeaderBlockBytes: 20_000, maxContinuationFrames: 3 };

/** Frames by their first octet, and whether views of them are kept. */
class Read implements FrameSink {
  readonly ids: number[] = [];
  keeps = false;
  onWindowUpdate = (id: number) => void this.ids.push(id);
  onData = (id: number) => {
    this.ids.push(id);
    return this.keeps;
  };
  onSettings = () => {};
  onHeaders = () => {};
  onPriority = () => {};
  onRstStream = () => {};
  onSettingsAck = () => {};
  onPing = () => {};
  onGoAway = () => {};
  onUnknown = () => {};
}

/** Reading whose turns the test takes. */
function setUp() {
  const sink = new Read();
  const reader = new FrameReader(sink, LIMITS);
  reader.read(encodeSettings([]));
  const turns: (() => void)[] = [];
  let scheduled = () => {};
  const next = new Promise<void>((resolve) => scheduled = resolve);
  const budget = new ByteBudget(1024 * 1024);
  const parts = new ReadingParts(reader, budget, (read) => {
    turns.push(read);
    scheduled();
  });
  return { sink, reader, budget, parts, turns, next };
}

function updates(from: number, count: number): Uint8Array {
  return joinBytes(
    Array.from({ length: count }, (_, n) => frame(FrameType.WINDOW_UPDATE, 0, from + n, uint32(1))),
  );
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, n) => from + n);
}

Deno.test("ReadingParts reads few frames at once, and many in a turn for each part", async () => {
  const { sink, parts, turns, next } = setUp();
  strictEqual(parts.read(updates(1, 32)), false);
  strictEqual(sink.ids.length, 32);
  strictEqual(parts.read(updates(33, 80)), true);
  strictEqual(sink.ids.length, 64);
  await next;
  turns.pop()!();
  strictEqual(sink.ids.length, 96);
  parts.finish();
  deepStrictEqual(sink.ids, range(1, 112));
});

Deno.test("ReadingParts reads a quarter of what waits at least, over the end of a chunk", async () => {
  const { sink, parts, turns, next } = setUp();
  parts.read(updates(1, 800));
  strictEqual(sink.ids.length, 200);
  // Nothing passes what waits.
  parts.read(updates(801, 20));
  strictEqual(sink.ids.length, 200);
  await next;
  turns.pop()!();
  strictEqual(sink.ids.length, 355);
  parts.finish();
  deepStrictEqual(sink.ids, range(1, 820));
});

Deno.test("ReadingParts lets no more than 128 KiB wait", () => {
  const { sink, parts } = setUp();
  const count = Math.floor(100 * 1024 / 13);
  parts.read(updates(1, count));
  parts.read(updates(count + 1, count));
  // The first is read to its end before anything of the second.
  strictEqual(sink.ids.length >= count, true);
  strictEqual(sink.ids.length < 2 * count, true);
  parts.finish();
  deepStrictEqual(sink.ids, range(1, 2 * count));
});

Deno.test("ReadingParts counts what waits, and lets nothing wait where the budget is in use", () => {
  const { sink, budget, parts } = setUp();
  parts.read(updates(1, 100));
  strictEqual(sink.ids.length, 32);
  strictEqual(budget.heldBytes, 68 * 13);
  parts.drop();
  strictEqual(budget.heldBytes, 0);
  parts.read(updates(1, 100));
  // Other connections hold an eighth of it.
  budget.add(128 * 1024);
  parts.read(updates(101, 100));
  deepStrictEqual(sink.ids.slice(32), range(1, 200));
  strictEqual(budget.heldBytes, 128 * 1024);
  parts.read(updates(201, 100));
  strictEqual(sink.ids.length, 332);
});

Deno.test("ReadingParts frees a chunk that was read in parts, unless a view of it is kept", () => {
  for (const keeps of [false, true]) {
    const { sink, parts } = setUp();
    sink.keeps = keeps;
    const data = frame(FrameType.DATA, 0, 1, new Uint8Array(1000));
    const chunk = joinBytes([...Array(64).fill(data)]);
    strictEqual(parts.read(chunk), true);
    parts.finish();
    strictEqual(chunk.buffer.byteLength === 0, !keeps);
  }
});

Deno.test("ReadingParts reads nothing more once it was told to drop, or the reader has failed", () => {
  const { sink, parts, reader } = setUp();
  parts.read(updates(1, 100));
  parts.drop();
  parts.finish();
  strictEqual(sink.ids.length, 32);
  const wrong = joinBytes([updates(1, 40), frame(FrameType.PUSH_PROMISE, 0, 1, uint32(2))]);
  parts.read(wrong);
  throws(() => parts.finish());
  reader.stop();
  parts.drop();
  parts.finish();
  strictEqual(sink.ids.length, 72);
});

Deno.test("ReadingParts reports the same frames in the same order however they are cut", () => {
  const all = updates(1, 300);
  fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 2000 }), { maxLength: 12 }), (sizes) => {
    const { sink, parts } = setUp();
    let at = 0;
    for (const size of sizes) {
      if (at < all.length) parts.read(all.slice(at, at + size));
      at += size;
    }
    if (at < all.length) parts.read(all.slice(at));
    parts.finish();
    deepStrictEqual(sink.ids, range(1, 300));
  }));
});

Deno.test("a connection reads what arrived before its channel's end, and reports the end after it", () => {
  for (const how of ["ended", "closed"] as const) {
    let receiver: ByteReceiver | undefined;
    const channel: ByteChannel = {
      start: (given) => void (receiver = given),
      write() {},
      pause() {},
      resume() {},
      end() {},
      destroy() {},
    };
    let requests = 0;
    openServerConnection(channel, {
      schedule: () => () => {},
      onRequest: () => {
        requests++;
        return { data() {}, trailers() {}, closed() {} };
      },
    });
    const encoder = new HpackEncoder(4096);
    const opening = Array.from({ length: 60 }, (_, n) => {
      const block = new Uint8Array(maxBlockBytes(REQUEST));
      const end = encoder.encode(REQUEST, block, 0);
      const flags = Flag.END_HEADERS | Flag.END_STREAM;
      return frame(FrameType.HEADERS, flags, 2 * n + 1, block.subarray(0, end));
    });
    receiver!.received(joinBytes([CLIENT_PREFACE, encodeSettings([]), ...opening]));
    strictEqual(requests < 60, true);
    if (how === "ended") receiver!.ended();
    else receiver!.closed(undefined);
    strictEqual(requests, 60);
  }
});
