import { createClient } from "@connectrpc/connect";
import type { Dispatcher } from "../../../mod.ts";
import { EchoService } from "../../../tests/support/gen/selvage/test/v1/echo_pb.ts";
import { chunks, echo, sink } from "../routines.ts";
import { bytesOf } from "../scenarios.ts";
import { type Done, type Measure, quantile } from "./measure.ts";

/** Items to the caller. */
export const down: Measure = items(receive);

/** Items to the routine. */
export const up: Measure = items(send);

/** Messages of a typed service to the caller. */
export const serviceDown: Measure = items(receiveMessages);

/** Messages of a typed service to the worker. */
export const serviceUp: Measure = items(sendMessages);

/** An item and its answer, again and again on one stream. */
export const duplex: Measure = {
  pair: (ground) => ground.mutual(),
  run: ({ dispatcher }, _parts, durationMs) => roundTrips(dispatcher, durationMs),
};

type Carry = (dispatcher: Dispatcher, bytes: number, until: number) => Promise<number>;

function items(carry: Carry): Measure {
  return {
    pair: (ground) => ground.mutual(),
    run: async ({ dispatcher }, [size = "", streams], durationMs) => {
      const bytes = bytesOf(size);
      const start = performance.now();
      const counts = await Promise.all(
        Array.from({ length: Number(streams) }, () => {
          return carry(dispatcher, bytes, start + durationMs);
        }),
      );
      const count = counts.reduce((sum, each) => sum + each, 0);
      const perSecond = count / (performance.now() - start) * 1_000;
      return { count, value: bytes < 1_000 ? perSecond : perSecond * bytes / 1e6 };
    },
  };
}

/** Asking the clock costs as much as a small item. */
function asksClock(count: number, bytes: number): boolean {
  return bytes > 32_768 || (count & 31) === 0;
}

/** Reads a stream of the worker until then; returns how many items came. */
export async function receive(
  dispatcher: Dispatcher,
  bytes: number,
  until: number,
): Promise<number> {
  let count = 0;
  for await (const item of dispatcher.stream(chunks, [1e9, bytes])) {
    if (item.length !== bytes) throw new Error("a wrong item");
    if (asksClock(++count, bytes) && performance.now() > until) return count;
  }
  return count;
}

/** Sends the worker a stream until then; returns how many items it took. */
export async function send(dispatcher: Dispatcher, bytes: number, until: number): Promise<number> {
  const item = new Uint8Array(bytes);
  let count = 0;
  async function* source() {
    while (!asksClock(++count, bytes) || performance.now() < until) yield item;
    count--;
  }
  for await (const received of dispatcher.duplex(sink, source(), [])) {
    if (received !== count * bytes) throw new Error("something got lost");
  }
  return count;
}

/** The same of a typed service; the messages hold what no compression makes shorter. */
async function receiveMessages(
  { transport }: Dispatcher,
  bytes: number,
  until: number,
): Promise<number> {
  const caller = new AbortController();
  const request = { data: noise(bytes), count: 1e9 };
  const { signal } = caller;
  let count = 0;
  for await (const { data } of createClient(EchoService, transport).repeat(request, { signal })) {
    if (data.length !== bytes) throw new Error("a wrong message");
    if (asksClock(++count, bytes) && performance.now() > until) break;
  }
  // The iterators of connect-es have no `return`.
  caller.abort();
  return count;
}

async function sendMessages(
  { transport }: Dispatcher,
  bytes: number,
  until: number,
): Promise<number> {
  const message = { data: noise(bytes) };
  let count = 0;
  async function* source() {
    while (!asksClock(++count, bytes) || performance.now() < until) yield message;
    count--;
  }
  const { text } = await createClient(EchoService, transport).collect(source());
  if (text !== String(count * bytes)) throw new Error("something got lost");
  return count;
}

/** Bytes that are made once, at most 64 KiB. */
function noise(bytes: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(bytes));
}

async function roundTrips(dispatcher: Dispatcher, durationMs: number): Promise<Done> {
  let answered = Promise.withResolvers<void>();
  const end = performance.now() + durationMs;
  async function* source() {
    for (let n = 0; performance.now() < end; n++) {
      yield n;
      await answered.promise;
      answered = Promise.withResolvers<void>();
    }
  }
  const taken: number[] = [];
  let start = performance.now();
  for await (const _ of dispatcher.duplex(echo, source(), [])) {
    const now = performance.now();
    taken.push(now - start);
    start = now;
    answered.resolve();
  }
  return { count: taken.length, value: quantile(taken, 0.5) };
}
