import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import fc from "../../../tests/support/fast_check.ts";
import { ErrorCode } from "../error_code.ts";
import { frame, joinBytes, textBytes, uint32 } from "../../../tests/support/http2/test_peer.ts";
import { Http2Violation } from "../violation.ts";
import { Flag, FrameType } from "./frame_header.ts";
import { FrameReader } from "./frame_reader.ts";
import type { FrameSink } from "./frame_sink.ts";
import { CLIENT_PREFACE } from "./preface.ts";
import { encodeSettings, encodeSettingsAck, Setting } from "./settings.ts";

const LIMITS = { maxFrameBytes: 16_384, maxHeaderBlockBytes: 20_000, maxContinuationFrames: 3 };
const SETTINGS = encodeSettings([[Setting.ENABLE_PUSH, 0]]);

/** Records what is reported to it. */
class Notes implements FrameSink {
  readonly lines: string[] = [];
  stopAt: FrameReader | undefined;

  onData(
    id: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    flow: number,
    last: boolean,
  ): boolean {
    this.lines.push(`data ${id} ${hex(bytes, start, end)} ${flow} ${last}`);
    this.stopAt?.stop();
    return false;
  }

  onHeaders(
    id: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    last: boolean,
    on: number,
  ): void {
    this.lines.push(`headers ${id} ${hex(bytes, start, end)} ${last} ${on}`);
  }

  onPriority(id: number, on: number): void {
    this.lines.push(`priority ${id} ${on}`);
  }

  onRstStream(id: number, code: number): void {
    this.lines.push(`rst ${id} ${code}`);
  }

  onSettings(bytes: Uint8Array, start: number, end: number): void {
    this.lines.push(`settings ${hex(bytes, start, end)}`);
  }

  onSettingsAck(): void {
    this.lines.push("settings ack");
  }

  onPing(bytes: Uint8Array, start: number, ack: boolean): void {
    this.lines.push(`ping ${hex(bytes, start, start + 8)} ${ack}`);
  }

  onGoAway(last: number, code: number, debug: Uint8Array): void {
    this.lines.push(`goaway ${last} ${code} ${debug.toHex()}`);
  }

  onWindowUpdate(id: number, increment: number): void {
    this.lines.push(`window ${id} ${increment}`);
  }

  onUnknown(type: number): void {
    this.lines.push(`unknown ${type}`);
  }
}

function hex(bytes: Uint8Array, start: number, end: number): string {
  return bytes.subarray(start, end).toHex();
}

function read(...chunks: readonly Uint8Array[]): string[] {
  const notes = new Notes();
  const reader = new FrameReader(notes, LIMITS);
  for (const chunk of chunks) reader.read(chunk);
  return notes.lines;
}

/** The code with which the reader refuses a frame behind SETTINGS. */
function refusal(...frames: readonly Uint8Array[]): number | undefined {
  try {
    read(SETTINGS, joinBytes(frames));
  } catch (error) {
    if (error instanceof Http2Violation) return error.code;
    throw error;
  }
  return undefined;
}

const EVERY_FRAME: readonly (readonly [Uint8Array, string])[] = [
  [SETTINGS, "settings 000200000000"],
  [encodeSettingsAck(), "settings ack"],
  [frame(FrameType.DATA, 0, 1, textBytes("ab")), "data 1 6162 2 false"],
  [frame(FrameType.DATA, Flag.END_STREAM, 1), "data 1  0 true"],
  [
    frame(FrameType.DATA, Flag.PADDED, 3, Uint8Array.of(2, 0x61, 0, 0)),
    "data 3 61 4 false",
  ],
  [
    frame(FrameType.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, 5, Uint8Array.of(0x82)),
    "headers 5 82 true -1",
  ],
  [
    frame(
      FrameType.HEADERS,
      Flag.END_HEADERS | Flag.PADDED | Flag.PRIORITY,
      7,
      Uint8Array.of(1, 0x80, 0, 0, 3, 255, 0x82, 0),
    ),
    "headers 7 82 false 3",
  ],
  [
    joinBytes([
      frame(FrameType.HEADERS, 0, 9, Uint8Array.of(0x82)),
      frame(FrameType.CONTINUATION, 0, 9),
      frame(FrameType.CONTINUATION, Flag.END_HEADERS, 9, Uint8Array.of(0x84)),
    ]),
    "headers 9 8284 false -1",
  ],
  [frame(FrameType.PRIORITY, 0, 1, Uint8Array.of(0, 0, 0, 3, 1)), "priority 1 3"],
  [frame(FrameType.PRIORITY, 0, 1, Uint8Array.of(0, 0, 0, 3)), "priority 1 -1"],
  [frame(FrameType.RST_STREAM, 0, 1, uint32(8)), "rst 1 8"],
  [frame(FrameType.PING, 0, 0, textBytes("abcdefgh")), "ping 6162636465666768 false"],
  [frame(FrameType.PING, Flag.ACK, 0, textBytes("abcdefgh")), "ping 6162636465666768 true"],
  [
    frame(FrameType.GOAWAY, 0, 0, joinBytes([uint32(0xffff_ffff), uint32(0x8000_0001)])),
    "goaway 2147483647 2147483649 ",
  ],
  [
    frame(FrameType.GOAWAY, 0, 0, joinBytes([uint32(5), uint32(0), textBytes("a")])),
    "goaway 5 0 61",
  ],
  [frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(0x8000_0001)), "window 0 1"],
  [frame(0x42, 0xff, 9, new Uint8Array(300)), "unknown 66"],
];

Deno.test("FrameReader reports every kind of frame", () => {
  for (const [bytes, line] of EVERY_FRAME) {
    deepStrictEqual(read(SETTINGS, bytes).slice(1), [line]);
  }
});

Deno.test("FrameReader reports the same wherever the bytes are torn", () => {
  const bytes = joinBytes(EVERY_FRAME.map(([bytes]) => bytes));
  const lines = EVERY_FRAME.map(([, line]) => line);
  deepStrictEqual(read(...Array.from(bytes, (octet) => Uint8Array.of(octet))), lines);
  fc.assert(fc.property(fc.array(fc.nat(bytes.length)), (cuts) => {
    const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
    const chunks = places.slice(1).map((place, at) => bytes.slice(places[at], place));
    deepStrictEqual(read(...chunks), lines);
  }));
});

Deno.test("FrameReader demands the preface before the first frame", () => {
  const read = (...chunks: readonly Uint8Array[]) => {
    const notes = new Notes();
    const reader = new FrameReader(notes, LIMITS, CLIENT_PREFACE);
    for (const chunk of chunks) reader.read(chunk);
    return notes.lines.length;
  };
  strictEqual(read(joinBytes([CLIENT_PREFACE, SETTINGS])), 1);
  strictEqual(read(CLIENT_PREFACE.slice(0, 5), CLIENT_PREFACE.slice(5), SETTINGS), 1);
  throws(() => read(SETTINGS), Http2Violation);
  throws(() => read(textBytes("PRI * HTTP/1.1\r\n")), Http2Violation);
});

Deno.test("FrameReader demands SETTINGS as the first frame", () => {
  const wrong = { name: "Http2Violation", code: ErrorCode.PROTOCOL_ERROR };
  throws(() => read(encodeSettingsAck()), wrong);
  throws(() => read(frame(FrameType.PING, 0, 0, new Uint8Array(8))), wrong);
});

Deno.test("FrameReader refuses frames of the wrong size", () => {
  const size = ErrorCode.FRAME_SIZE_ERROR;
  strictEqual(refusal(frame(FrameType.DATA, 0, 1, new Uint8Array(16_385))), size);
  strictEqual(refusal(frame(FrameType.RST_STREAM, 0, 1, new Uint8Array(3))), size);
  strictEqual(refusal(frame(FrameType.SETTINGS, Flag.ACK, 0, new Uint8Array(6))), size);
  strictEqual(refusal(frame(FrameType.PING, 0, 0, new Uint8Array(7))), size);
  strictEqual(refusal(frame(FrameType.GOAWAY, 0, 0, new Uint8Array(7))), size);
  strictEqual(refusal(frame(FrameType.WINDOW_UPDATE, 0, 0, new Uint8Array(5))), size);
  strictEqual(refusal(frame(FrameType.DATA, Flag.PADDED, 1)), size);
  strictEqual(refusal(frame(FrameType.HEADERS, Flag.PRIORITY, 1, new Uint8Array(4))), size);
});

Deno.test("FrameReader refuses a frame above the limit before its payload arrives", () => {
  const header = frame(FrameType.DATA, 0, 1, new Uint8Array(16_385)).slice(0, 9);
  strictEqual(refusal(header), ErrorCode.FRAME_SIZE_ERROR);
});

Deno.test("FrameReader refuses frames on the wrong stream", () => {
  const wrong = ErrorCode.PROTOCOL_ERROR;
  strictEqual(refusal(frame(FrameType.DATA, 0, 0)), wrong);
  strictEqual(refusal(frame(FrameType.HEADERS, Flag.END_HEADERS, 0)), wrong);
  strictEqual(refusal(frame(FrameType.PRIORITY, 0, 0, new Uint8Array(5))), wrong);
  strictEqual(refusal(frame(FrameType.RST_STREAM, 0, 0, uint32(0))), wrong);
  strictEqual(refusal(frame(FrameType.SETTINGS, 0, 1)), wrong);
  strictEqual(refusal(frame(FrameType.PING, 0, 1, new Uint8Array(8))), wrong);
  strictEqual(refusal(frame(FrameType.GOAWAY, 0, 1, new Uint8Array(8))), wrong);
});

Deno.test("FrameReader refuses padding longer than its frame", () => {
  const wrong = ErrorCode.PROTOCOL_ERROR;
  strictEqual(refusal(frame(FrameType.DATA, Flag.PADDED, 1, Uint8Array.of(3, 0, 0))), wrong);
  strictEqual(refusal(frame(FrameType.HEADERS, Flag.PADDED, 1, Uint8Array.of(9))), wrong);
});

Deno.test("FrameReader refuses PUSH_PROMISE", () => {
  strictEqual(refusal(frame(FrameType.PUSH_PROMISE, 4, 1, uint32(2))), ErrorCode.PROTOCOL_ERROR);
});

Deno.test("FrameReader refuses anything inside a header block but its CONTINUATION", () => {
  const begin = frame(FrameType.HEADERS, 0, 1, Uint8Array.of(0x82));
  const wrong = ErrorCode.PROTOCOL_ERROR;
  strictEqual(refusal(begin, frame(FrameType.DATA, 0, 1)), wrong);
  strictEqual(refusal(begin, frame(FrameType.CONTINUATION, 4, 3)), wrong);
  strictEqual(refusal(begin, frame(0x42, 0, 1)), wrong);
  strictEqual(refusal(frame(FrameType.CONTINUATION, 4, 1)), wrong);
  strictEqual(refusal(begin, frame(FrameType.CONTINUATION, 4, 1)), undefined);
});

Deno.test("FrameReader bounds a header block in octets and in frames", () => {
  const begin = frame(FrameType.HEADERS, 0, 1, new Uint8Array(10_000));
  const more = frame(FrameType.CONTINUATION, 0, 1, new Uint8Array(10_001));
  strictEqual(refusal(begin, more), ErrorCode.ENHANCE_YOUR_CALM);
  const empty = frame(FrameType.CONTINUATION, 0, 1);
  strictEqual(refusal(begin, empty, empty, empty), undefined);
  strictEqual(refusal(begin, empty, empty, empty, empty), ErrorCode.ENHANCE_YOUR_CALM);
});

Deno.test("FrameReader reports nothing after it was stopped, not even the rest of the chunk", () => {
  const notes = new Notes();
  const reader = notes.stopAt = new FrameReader(notes, LIMITS);
  const data = frame(FrameType.DATA, 0, 1);
  reader.read(joinBytes([SETTINGS, data, data, data]));
  reader.read(data);
  strictEqual(notes.lines.length, 2);
});

Deno.test("FrameReader throws nothing but violations for random bytes", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 20 }), (chunks) => {
      const code = refusal(...chunks);
      strictEqual(code === undefined || code <= ErrorCode.HTTP_1_1_REQUIRED, true);
    }),
    { numRuns: 300 },
  );
});

Deno.test("FrameReader throws nothing but violations for frames with random contents", () => {
  const anyFrame = fc.tuple(
    fc.nat(10),
    fc.nat(255),
    fc.nat(5),
    fc.uint8Array({ maxLength: 40 }),
  ).map(([type, flags, id, payload]) => frame(type, flags, id, payload));
  fc.assert(
    fc.property(fc.array(anyFrame, { maxLength: 20 }), (frames) => {
      const code = refusal(...frames);
      strictEqual(code === undefined || code <= ErrorCode.HTTP_1_1_REQUIRED, true);
    }),
    { numRuns: 500 },
  );
});
