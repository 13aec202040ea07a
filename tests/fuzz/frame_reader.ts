/**
 * Spoiled frames, whole and torn, against the reader that cuts them. As a program:
 * `deno run tests/fuzz/frame_reader.ts SECONDS [SEED]`.
 */
import assert from "node:assert/strict";
import fc, { seedProgram } from "../support/fast_check.ts";
import { FrameReader } from "../../src/http2/frame/frame_reader.ts";
import type { FrameSink } from "../../src/http2/frame/frame_sink.ts";
import { defaultHttp2Limits } from "../../src/http2/limits.ts";
import { frame } from "../support/http2/test_peer.ts";
import { Http2Violation } from "../../src/http2/violation.ts";

/** How long to look for frames that are reported differently when they are torn. */
export interface FuzzFramesOptions {
  /** How many runs of frames to try. Default: as many as fit in `seconds`. */
  readonly numRuns?: number;
  /** How long to try, in seconds. Default: until `numRuns` were tried. */
  readonly seconds?: number;
}

const SETTINGS = frame(4, 0, 0);

/** Frames of every type, some of them with octets changed, cut out or put in. */
const frames = fc.tuple(
  fc.array(
    fc.tuple(fc.nat(11), fc.nat(255), fc.nat(9), fc.uint8Array({ maxLength: 40 })),
    { maxLength: 8 },
  ),
  fc.array(fc.tuple(fc.nat(500), fc.nat(5), fc.uint8Array({ maxLength: 5 })), { maxLength: 3 }),
).map(([all, changes]) => {
  const bytes = all.flatMap(([type, flags, id, payload]) => [...frame(type, flags, id, payload)]);
  for (const [at, gone, put] of changes) bytes.splice(at % (bytes.length + 1), gone, ...put);
  return Uint8Array.from([...SETTINGS, ...bytes]);
});

/**
 * Reads frames whole, and octet by octet.
 *
 * @throws where both do not report the same, or anything but a violation is thrown.
 */
export function fuzzFrames({ numRuns = 1e9, seconds }: FuzzFramesOptions): void {
  fc.assert(
    fc.property(frames, (bytes) => {
      const octets = Array.from(bytes, (octet) => Uint8Array.of(octet));
      assert.deepEqual(eventsOf(octets), eventsOf([bytes]));
    }),
    {
      numRuns,
      ...(seconds !== undefined && {
        interruptAfterTimeLimit: seconds * 1000,
        markInterruptAsFailure: false,
      }),
    },
  );
}

/** What a reader reports of chunks, and how it ends. */
function eventsOf(chunks: readonly Uint8Array[]): unknown[] {
  const events: unknown[] = [];
  const reader = new FrameReader(sinkInto(events), defaultHttp2Limits);
  try {
    for (const chunk of chunks) reader.read(chunk);
  } catch (error) {
    if (!(error instanceof Http2Violation)) throw error;
    events.push(["violation", error.code]);
  }
  return events;
}

function sinkInto(events: unknown[]): FrameSink {
  const octets = (bytes: Uint8Array, start: number, end: number) => bytes.slice(start, end).toHex();
  return {
    onData: (id, bytes, start, end, flow, last) => {
      events.push(["data", id, octets(bytes, start, end), flow, last]);
      return false;
    },
    onHeaders: (id, bytes, start, end, last, dependsOn) =>
      events.push(["headers", id, octets(bytes, start, end), last, dependsOn]),
    onPriority: (id, dependsOn) => events.push(["priority", id, dependsOn]),
    onRstStream: (id, code) => events.push(["reset", id, code]),
    onSettings: (bytes, start, end) => events.push(["settings", octets(bytes, start, end)]),
    onSettingsAck: () => events.push(["acknowledged"]),
    onPing: (bytes, start, ack) => events.push(["ping", octets(bytes, start, start + 8), ack]),
    onGoAway: (last, code, debug) => events.push(["goaway", last, code, debug.toHex()]),
    onWindowUpdate: (id, increment) => events.push(["window", id, increment]),
    onUnknown: (type) => events.push(["unknown", type]),
  };
}

if (import.meta.main) {
  seedProgram(Deno.args[1]);
  fuzzFrames({ seconds: Number(Deno.args[0] ?? 60) });
}
