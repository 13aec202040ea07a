import assert from "node:assert/strict";
import { duplexRoutine, routine } from "../../src/contract/mod.ts";
import { openDispatcher, startWorker } from "./pair.ts";
import { Trust } from "./trust.ts";

const KIB = 1024;

/** Sizes about the one from which buffers are used again, and above it. */
const SIZES = [200, 255, 256, 257, 300, 511, 640, 1_000, 1_025, 2_000, 3_500].map((size) =>
  size * KIB
);

/** So many bytes that tell which call they are of, and where. */
function pattern(call: number, size: number): Uint8Array {
  const words = new Uint32Array(size / 4);
  for (let at = 0; at < words.length; at++) words[at] = Math.imul(call + 1, 0x9e3779b1) ^ at;
  return new Uint8Array(words.buffer);
}

function insistOn(bytes: Uint8Array, call: number, size: number): void {
  assert.equal(bytes.length, size);
  const words = new Uint32Array(bytes.slice().buffer);
  const wrong = words.findIndex((word, at) =>
    word !== (Math.imul(call + 1, 0x9e3779b1) ^ at) >>> 0
  );
  assert.equal(wrong, -1, `call ${call}: other bytes from ${4 * wrong} of ${size} on`);
}

const served = {
  /** Answers with the bytes it is sent, or with others. */
  trade: routine("large.trade", (call: number, bytes: Uint8Array, size: number) => {
    insistOn(bytes, call, bytes.length);
    return { bytes: pattern(call + 1, size), beside: [bytes.length, "and a text"] };
  }),
  alone: routine("large.alone", (call: number, size: number) => pattern(call, size)),
  refuses: routine("large.refuses", (bytes: Uint8Array): Uint8Array => {
    throw new RangeError(`${bytes.length}`);
  }),
  repeat: duplexRoutine("large.repeat", async function* (input: AsyncIterable<Uint8Array>) {
    yield* input;
  }),
};

Deno.test("large messages are made of their own bytes alone, whatever became of those before them", async () => {
  const trust = new Trust();
  await using worker = await startWorker(trust, {
    routines: Object.values(served),
    limits: { drainGraceMs: 0 },
  });
  await using dispatcher = await openDispatcher(trust, worker.address);
  let next = 0;
  const size = () => SIZES[next++ * 7 % SIZES.length]!;
  const kinds = [
    async (call: number) => {
      const [sent, asked] = [size(), size()];
      const { bytes } = await dispatcher.call(served.trade, [call, pattern(call, sent), asked]);
      insistOn(bytes, call + 1, asked);
    },
    async (call: number) => {
      const asked = size();
      insistOn(await dispatcher.call(served.alone, [call, asked]), call, asked);
    },
    async (call: number) => {
      const refused = dispatcher.call(served.refuses, [pattern(call, size())]);
      await assert.rejects(refused, { name: "RoutineError" });
    },
    // Left while its argument is being sent, or its result.
    async (call: number) => {
      const caller = new AbortController();
      const left = dispatcher.call(served.trade, [call, pattern(call, size()), size()], {
        signal: caller.signal,
      });
      for (let turn = 0; turn < call % 5; turn++) await new Promise((done) => setImmediate(done));
      caller.abort();
      await left.catch(() => {});
    },
    async (call: number) => {
      const sizes = [size(), size(), size()];
      const input = sizes.map((size) => pattern(call, size));
      let at = 0;
      for await (const bytes of dispatcher.duplex(served.repeat, input, [])) {
        insistOn(bytes, call, sizes[at++]!);
      }
      assert.equal(at, 3);
    },
  ];
  for (let round = 0; round < 12; round++) {
    const calls = Array.from({ length: 10 }, (_, at) => 10 * round + at);
    await Promise.all(calls.map((call) => kinds[(call + round) % kinds.length]!(call)));
  }
});
