import { type Client, createClient, type Interceptor } from "@connectrpc/connect";
import type { Dispatcher } from "../../../mod.ts";
import { EchoService } from "../../../tests/support/gen/selvage/test/v1/echo_pb.ts";
import type { Ground, Pair } from "../ground.ts";
import { add, blob, same, size } from "../routines.ts";
import { bytesOf } from "../scenarios.ts";
import { type Measure, medianOf, rateOf } from "./measure.ts";

/** Calls of `add` to workers of that kind. */
export function adds(pair: (ground: Ground) => Promise<Pair>): Measure {
  return unary(pair, ({ dispatcher }) => async (n) => {
    if (await dispatcher.call(add, [n, 1]) !== n + 1) throw new Error("a wrong sum");
  });
}

/** Calls of a routine that sends 64 bytes back. */
export const echoes: Measure = unary(mutual, ({ dispatcher }) => {
  const bytes = new Uint8Array(64);
  return async () => {
    if ((await dispatcher.call(same, [bytes])).length !== 64) throw new Error("a wrong answer");
  };
});

/** Calls of a typed service, on the fast path. */
export const services: Measure = unary(mutual, ({ dispatcher }) => {
  return echoOnce(createClient(EchoService, dispatcher.transport));
});

/** An interceptor that changes nothing, and by being there keeps calls off the fast path. */
const nothing: Interceptor = (next) => (request) => next(request);

/** The same on the plain path of the caller. */
export const plainServices: Measure = unary(mutual, ({ dispatcher }) => {
  const transport = dispatcher.transportFor({ interceptors: [nothing] });
  return echoOnce(createClient(EchoService, transport));
});

/** Bytes as the result of calls one after the other. */
export const results: Measure = payloads((dispatcher, bytes) => dispatcher.call(blob, [bytes]));

/** Bytes as the argument. */
export const arguments_: Measure = payloads((dispatcher, bytes) =>
  dispatcher.call(size, [new Uint8Array(bytes)])
);

function mutual(ground: Ground): Promise<Pair> {
  return ground.mutual();
}

function echoOnce(client: Client<typeof EchoService>): (n: number) => Promise<void> {
  const text = "a".repeat(62);
  return async () => {
    if ((await client.echo({ text })).text !== text) throw new Error("a wrong answer");
  };
}

function unary(
  pair: (ground: Ground) => Promise<Pair>,
  callerOf: (pair: Pair) => (n: number) => Promise<void>,
): Measure {
  return {
    pair,
    run: (pair, [callers], durationMs) => {
      const once = callerOf(pair);
      return callers === "1"
        ? medianOf(() => once(1), durationMs)
        : rateOf(Number(callers), durationMs, once);
    },
  };
}

function payloads(once: (dispatcher: Dispatcher, bytes: number) => Promise<unknown>): Measure {
  return {
    pair: mutual,
    run: async ({ dispatcher }, [size = ""], durationMs) => {
      // The envelope shares the largest message of 4 MiB.
      const bytes = bytesOf(size) - 512;
      const start = performance.now();
      let count = 0;
      for (; performance.now() < start + durationMs; count++) await once(dispatcher, bytes);
      return { count, value: count * bytes / 1e3 / (performance.now() - start) };
    },
  };
}
