import assert from "node:assert/strict";
import {
  type Client,
  Code,
  ConnectError,
  createClient,
  type ServiceImpl,
} from "@connectrpc/connect";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { WorkerServer } from "../../src/worker/mod.ts";
import { throughPlainPath } from "../support/echo.ts";
import { EchoService } from "../support/gen/selvage/test/v1/echo_pb.ts";
import { Tally } from "../support/tally.ts";

const CALLS = 3_000;
const AT_ONCE = 40;

/** What calls here fail with. */
const EXPECTED: ReadonlySet<Code> = new Set([
  Code.Canceled,
  Code.DeadlineExceeded,
  Code.FailedPrecondition,
  Code.Aborted,
  Code.Internal,
]);

/** What a call, its caller and its implementation do is chosen by chance. */
function below(count: number): number {
  return Math.floor(Math.random() * count);
}

/** Lets others go on for a while, or for a turn. */
function yieldTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, below(3)));
}

/** Streams that pause, fail, hang until they are left, and clean up slowly. */
function service(running: Tally): ServiceImpl<typeof EchoService> {
  const tracked = async <Result>(run: () => Promise<Result>): Promise<Result> => {
    running.add(1);
    try {
      return await run();
    } finally {
      running.add(-1);
    }
  };
  return {
    echo: (request) => ({ text: request.text }),
    echoWithoutSideEffects: (request) => ({ text: request.text }),
    async *repeat({ text, count, data }, { signal }) {
      running.add(1);
      try {
        for (let index = 0; index < count; index++) {
          if (below(4) === 0) await yieldTurn();
          if (text === "fail" && index === 3) throw new ConnectError("x", Code.FailedPrecondition);
          yield { index, data };
        }
        if (text !== "hang") return;
        signal.throwIfAborted();
        await new Promise((_, reject) => signal.onabort = () => reject(signal.reason));
      } finally {
        await yieldTurn();
        running.add(-1);
      }
    },
    collect: (requests) =>
      tracked(async () => {
        let count = 0;
        for await (const { text } of requests) {
          count++;
          if (text === "enough") break;
          if (text === "fail") throw new TypeError("no");
          if (below(5) === 0) await yieldTurn();
        }
        return { text: String(count), data: new Uint8Array(below(5_000)) };
      }),
    async *converse(requests) {
      running.add(1);
      try {
        let index = 0;
        for await (const { text, data } of requests) {
          yield { index: index++, data };
          if (text === "enough") return;
          if (below(6) === 0) await yieldTurn();
        }
      } finally {
        running.add(-1);
      }
    },
  };
}

async function* requests(text: string, data: Uint8Array<ArrayBuffer>) {
  const count = below(30);
  for (let n = 1; n <= count; n++) {
    if (below(5) === 0) await yieldTurn();
    yield { text: n === count ? text : "a", data };
  }
  if (below(10) === 0) throw new Error("the caller's own");
}

/** Makes one call; what it fails with is any error, but no message is lost or out of order. */
async function call(client: Client<typeof EchoService>): Promise<void> {
  const leaving = new AbortController();
  if (below(4) === 0) setTimeout(() => leaving.abort(below(2) ? "a text" : undefined), below(15));
  const text = ["a", "fail", "hang", "enough"][below(4)]!;
  const timeoutMs = text === "hang" || below(4) === 0 ? 1 + below(15) : undefined;
  const options = { signal: leaving.signal, ...(timeoutMs !== undefined && { timeoutMs }) };
  const data = new Uint8Array(below(3) === 0 ? 3_000 : 10);
  const stopAfter = below(3) === 0 ? below(10) : Infinity;
  const read = async (messages: AsyncIterable<{ readonly index: number }>) => {
    let received = 0;
    for await (const { index } of messages) {
      assert.equal(index, received++);
      if (received > stopAfter) break;
    }
    return received;
  };
  try {
    const kind = below(3);
    if (kind === 0) {
      const count = below(40);
      const received = await read(client.repeat({ text, count, data }, options));
      assert(received === count || received > stopAfter, `${received} of ${count}`);
    } else if (kind === 1) await client.collect(requests(text, data), options);
    else await read(client.converse(requests(text, data), options));
  } catch (error) {
    if (!(error instanceof ConnectError && EXPECTED.has(error.code))) throw error;
  }
}

Deno.test("streams of every kind lose nothing and leave nothing, however they end", async () => {
  const running = new Tally();
  const listen = "memory:mixed-streams";
  await using worker = await WorkerServer.start({
    listen,
    limits: { concurrency: 64, concurrencyPerPeer: 64 },
    services: (router) => void router.service(EchoService, service(running)),
  });
  await using dispatcher = await Dispatcher.open({ discovery: `static:${listen}` });
  const clients = [
    dispatcher.transport,
    dispatcher.transportFor({ compression: "gzip" }),
    dispatcher.transportFor({ protocol: "grpc" }),
    dispatcher.transportFor({ interceptors: [throughPlainPath] }),
  ].map((transport) => createClient(EchoService, transport));
  let left = CALLS;
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (left-- > 0) await call(clients[below(clients.length)]!);
  }));
  await running.until((calls) => calls === 0);
  // What has ended gives its place back before another call is answered.
  await clients[0]!.echo({});
  await clients[0]!.echo({});
  assert.equal(worker.inFlight, 0);
});
