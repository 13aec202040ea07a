import assert from "node:assert/strict";
import { EchoService } from "../../tests/support/gen/selvage/test/v1/echo_pb.ts";
import { rpcPair } from "../../tests/support/rpc_pair.ts";
import { prepareRequest, type StreamBytesHandler, StreamExchange } from "./mod.ts";

const { converse } = EchoService.method;
const MESSAGES = 1_000;
/** The clock is read once for 64 messages, so that the time of a turn is over before twice as many were sent. */
const MOST_A_TURN = 128;
const MESSAGE_MS = 0.01;

/** An empty message that takes time to make. */
function slowMessage(): Uint8Array {
  for (const start = performance.now(); performance.now() - start < MESSAGE_MS;);
  return new Uint8Array();
}

function open(handler: StreamBytesHandler<string, unknown>) {
  const pair = rpcPair((router) => {
    router.service(EchoService, {});
    router.streamBytes(converse, handler);
  });
  const exchange = new StreamExchange(pair.client, prepareRequest(converse, {}));
  return { exchange, [Symbol.asyncDispose]: () => pair[Symbol.asyncDispose]() };
}

Deno.test("a worker's messages that flow stop with the time of the turn, and go on in the next", async () => {
  const turns: number[] = [];
  await using bench = open(() => {
    let sent = 0;
    let resume = () => {};
    return {
      async flow({ send }) {
        while (sent < MESSAGES) {
          let inTurn = 0;
          let mayFollow = true;
          while (mayFollow && sent < MESSAGES) {
            mayFollow = send(slowMessage());
            sent++;
            inTurn++;
          }
          turns.push(inTurn);
          if (!mayFollow) await new Promise<void>((resolve) => resume = resolve);
        }
      },
      resume: () => resume(),
      next: () => Promise.reject(new Error("it flows")),
    };
  });
  let received = 0;
  while (await bench.exchange.next() !== undefined) received++;
  assert.equal(received, MESSAGES);
  assert.ok(Math.max(...turns) <= MOST_A_TURN, `${turns} messages a turn`);
});

Deno.test("a worker's messages go on where the stream takes more before it is waited for", async () => {
  const count = 40;
  await using bench = open(() => {
    let resume = () => {};
    return {
      async flow({ send, flush }) {
        for (let sent = 0; sent < count; sent++) {
          const resumed = new Promise<void>((resolve) => resume = resolve);
          // Four are more than a stream queues; what one flush writes of them leaves less than half of that.
          if (send(new Uint8Array(33_000))) continue;
          flush?.();
          await resumed;
        }
      },
      resume: () => resume(),
      next: () => Promise.reject(new Error("it flows")),
    };
  });
  let received = 0;
  while (await bench.exchange.next() !== undefined) received++;
  assert.equal(received, count);
});

Deno.test("a caller's messages stop with the time of the turn, and go on in the next", async () => {
  let received = 0;
  await using bench = open(async function* (requests) {
    for await (const _ of requests) received++;
    yield new Uint8Array();
  });
  const { exchange } = bench;
  const turns: number[] = [];
  for (let sent = 0; sent < MESSAGES;) {
    let inTurn = 0;
    let mayFollow = true;
    const resumed = new Promise<void>((resolve) => exchange.onWritable = resolve);
    while (mayFollow && sent < MESSAGES) {
      mayFollow = exchange.send(slowMessage());
      sent++;
      inTurn++;
    }
    turns.push(inTurn);
    if (!mayFollow) await resumed;
  }
  exchange.end();
  while (await exchange.next() !== undefined);
  assert.equal(received, MESSAGES);
  assert.ok(Math.max(...turns) <= MOST_A_TURN, `${turns} messages a turn`);
});
