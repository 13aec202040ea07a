import type { Dispatcher } from "../../../mod.ts";
import type { Pair } from "../ground.ts";
import { add, chunks } from "../routines.ts";
import { type Measure, quantile, timesOf } from "./measure.ts";
import { receive, send } from "./streams.ts";

const ITEM_BYTES = 65_536;
/** A quantile of few calls says nothing. */
const LEAST_MS = 500;
/** 200 windows take that long to fill; what they take meanwhile is bulk, and no pause. */
const FILLED_MS = 1_500;
/** A connection counts as shared, with smaller windows, for a second after calls passed beside a stream. */
const RESTED_MS = 1_100;

/** How many times longer the slowest percent of calls takes while that many readers of the connection pause. */
export const pausedReaders: Measure = ratio(async ({ dispatcher }, readers, durationMs) => {
  const quiet = quantile(await addTimes(dispatcher, durationMs), 0.99);
  const busy = await besidePaused(dispatcher, readers, () => addTimes(dispatcher, durationMs));
  return quantile(busy, 0.99) / quiet;
});

/** How much of its rate another stream keeps beside them. */
export const pausedReadersStream: Measure = ratio(async ({ dispatcher }, readers, durationMs) => {
  const once = () => receive(dispatcher, ITEM_BYTES, performance.now() + durationMs);
  const quiet = await once();
  return await besidePaused(dispatcher, readers, once) / quiet;
});

/** How many times longer 95 of 100 calls take at most while bulk passes on their connection. */
export const bulkDelaysCalls: Measure = bulkDelays(receive);

/** The same while bulk is sent. */
export const sentBulkDelaysCalls: Measure = bulkDelays(send);

/** How much of its rate bulk keeps while calls are made on its connection, one after the other. */
export const bulkKeepsRate: Measure = bulkKeeps(receive);

/** The same of bulk that is sent. */
export const sentBulkKeepsRate: Measure = bulkKeeps(send);

type Carry = (dispatcher: Dispatcher, bytes: number, until: number) => Promise<number>;

function bulkDelays(carry: Carry): Measure {
  return ratio(async ({ dispatcher }, _callers, durationMs) => {
    const quiet = quantile(await addTimes(dispatcher, durationMs), 0.95);
    const bulk = carry(dispatcher, ITEM_BYTES, performance.now() + durationMs);
    const busy = await addTimes(dispatcher, durationMs);
    await bulk;
    return quantile(busy, 0.95) / quiet;
  });
}

function bulkKeeps(carry: Carry): Measure {
  return ratio(async ({ dispatcher }, _callers, durationMs) => {
    await new Promise((resolve) => setTimeout(resolve, RESTED_MS));
    const quiet = await carry(dispatcher, ITEM_BYTES, performance.now() + durationMs);
    const bulk = carry(dispatcher, ITEM_BYTES, performance.now() + durationMs);
    await addTimes(dispatcher, durationMs);
    return await bulk / quiet;
  });
}

function addTimes(dispatcher: Dispatcher, durationMs: number): Promise<number[]> {
  return timesOf(() => dispatcher.call(add, [1, 2]), durationMs);
}

function ratio(
  measured: (pair: Pair, many: number, durationMs: number) => Promise<number>,
): Measure {
  return {
    // A worker of its own: a build in which paused readers stop a connection has no figures for its calls after that.
    pair: (ground) => ground.mutual({ routines: 1 }),
    run: async (pair, [many], durationMs) => {
      return {
        count: 0,
        value: await measured(pair, Number(many), Math.max(durationMs, LEAST_MS)),
      };
    },
  };
}

/** Does something while streams are read no further than their first item. */
async function besidePaused<T>(
  dispatcher: Dispatcher,
  readers: number,
  measured: () => Promise<T>,
): Promise<T> {
  const paused = await Promise.all(
    Array.from({ length: readers }, async () => {
      const iterator = dispatcher.stream(chunks, [1e9, ITEM_BYTES])[Symbol.asyncIterator]();
      await iterator.next();
      return iterator;
    }),
  );
  try {
    await new Promise((resolve) => setTimeout(resolve, FILLED_MS));
    return await measured();
  } finally {
    await Promise.all(paused.map((iterator) => iterator.return?.()));
  }
}
