/** Large messages at random: left, late, lost with their connection, made again; every byte is compared. */
import assert from "node:assert/strict";
import { duplexRoutine, routine } from "../../src/contract/mod.ts";
import type { Dispatcher } from "../../src/dispatch/mod.ts";
import { WorkerUnavailable } from "../../src/errors/mod.ts";
import { inMemory } from "../../src/testing/mod.ts";
import { Relay } from "../support/relay.ts";
import { openDispatcher, startWorker } from "./pair.ts";
import { Trust } from "./trust.ts";

const KIB = 1024;
const CALLERS = 6;
const CALLS = 25;

/** So many bytes that tell which call they are of, and where. */
function pattern(call: number, size: number): Uint8Array {
  const words = new Uint32Array(size / 4);
  for (let at = 0; at < words.length; at++) words[at] = Math.imul(call + 1, 0x9e3779b1) ^ at;
  return new Uint8Array(words.buffer);
}

function insistOn(what: string, bytes: Uint8Array, call: number, size: number): void {
  assert.equal(bytes.length, size, `${what} of call ${call}`);
  const words = new Uint32Array(bytes.slice().buffer);
  for (let at = 0; at < words.length; at++) {
    if (words[at] !== (Math.imul(call + 1, 0x9e3779b1) ^ at) >>> 0) {
      assert.fail(`${what} of call ${call}: other bytes from ${4 * at} of ${size} on`);
    }
  }
}

/** A worker's routines, and what it keeps of its callers. */
function makeRoutines() {
  const kept: [call: number, bytes: Uint8Array][] = [];
  const own = pattern(-1, 1000 * KIB);
  const served = {
    /** Keeps its argument, as a cache does. */
    keep: routine("storm.keep", { idempotent: true }, (call: number, bytes: Uint8Array) => {
      kept.push([call, bytes]);
      return { bytes: pattern(call + 1, bytes.length), beside: "a text" };
    }),
    /** Looks at its argument late, when others were sent meanwhile. */
    late: routine("storm.late", { idempotent: true }, async (call: number, bytes: Uint8Array) => {
      for (let turn = 0; turn < 5; turn++) await new Promise((done) => setImmediate(done));
      insistOn("the argument", bytes, call, bytes.length);
      return bytes;
    }),
    /** Answers with what stays its own. */
    own: routine("storm.own", () => own),
    repeat: duplexRoutine("storm.repeat", async function* (input: AsyncIterable<Uint8Array>) {
      yield* input;
    }),
  };
  const insist = () => {
    insistOn("its own", own, -1, 1000 * KIB);
    for (const [call, bytes] of kept) insistOn("what was kept", bytes, call, bytes.length);
  };
  return { served, insist };
}

/** Makes calls at random, `cut` among them, and compares what comes back. */
async function storm(
  dispatcher: Dispatcher,
  { served }: ReturnType<typeof makeRoutines>,
  cut: () => void = () => {},
): Promise<void> {
  let state = crypto.getRandomValues(new Uint32Array(1))[0]! | 1;
  const seed = state;
  const below = (limit: number) => ((state = Math.imul(state, 48_271) >>> 0) >>> 8) % limit;
  let calls = 0;
  let answered = 0;
  const kinds = [
    async (call: number, sent: Uint8Array, options: object) => {
      const { bytes } = await dispatcher.call(served.keep, [call, sent], options);
      insistOn("the result", bytes, call + 1, sent.length);
    },
    async (call: number, sent: Uint8Array, options: object) => {
      const bytes = await dispatcher.call(served.late, [call, sent], options);
      insistOn("the result", bytes, call, sent.length);
    },
    async (_call: number, _sent: Uint8Array, options: object) => {
      insistOn("the result", await dispatcher.call(served.own, [], options), -1, 1000 * KIB);
    },
    async (call: number, sent: Uint8Array, options: object) => {
      for await (const item of dispatcher.duplex(served.repeat, [sent, sent], [], options)) {
        insistOn("an item", item, call, sent.length);
        if (below(4) === 0) break;
      }
    },
  ];
  const one = async () => {
    const call = ++calls;
    const sent = pattern(call, 4 * (50 * KIB + below(400 * KIB)));
    const caller = new AbortController();
    const leavesAfter = below(3) === 0 ? below(8) : Infinity;
    const calling = kinds[below(kinds.length)]!(call, sent, { signal: caller.signal });
    const outcome = calling.then(() => answered++, (error) => {
      // It was left, or lost its connection; what the worker finds wrong is a `RoutineError`.
      const { aborted } = caller.signal;
      if (!(aborted && error === caller.signal.reason) && !(error instanceof WorkerUnavailable)) {
        throw error;
      }
    });
    for (let turn = 0; turn < Math.min(leavesAfter, 8); turn++) {
      await new Promise((done) => setImmediate(done));
    }
    if (leavesAfter < Infinity) caller.abort();
    if (below(8) === 0) cut();
    await outcome;
    insistOn("the caller's own", sent, call, sent.length);
  };
  await Promise.all(Array.from({ length: CALLERS }, async () => {
    for (let at = 0; at < CALLS; at++) await one();
  })).catch((error) => {
    throw new Error(`with the seed ${seed}`, { cause: error });
  });
  assert.ok(answered > CALLS, `${answered} of ${calls} were answered`);
}

Deno.test("large messages keep their bytes in a storm in memory", async () => {
  const routines = makeRoutines();
  await using pair = await inMemory({ routines: [routines.served] });
  await storm(pair.dispatcher, routines);
  routines.insist();
});

Deno.test("large messages keep their bytes in a storm over connections that are reset", async () => {
  const trust = new Trust();
  const routines = makeRoutines();
  await using worker = await startWorker(trust, {
    routines: Object.values(routines.served),
    limits: { drainGraceMs: 0 },
  });
  await using relay = new Relay(worker.address);
  await using dispatcher = await openDispatcher(trust, await relay.open());
  await storm(dispatcher, routines, () => relay.reset());
  routines.insist();
});
