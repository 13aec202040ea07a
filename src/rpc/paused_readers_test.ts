import assert from "node:assert/strict";
import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../tests/support/gen/selvage/test/v1/echo_pb.ts";
import { heapBytes } from "../../tests/support/heap.ts";
import { enveloped, post } from "../../tests/support/raw_call.ts";
import { rpcPair } from "../../tests/support/rpc_pair.ts";
import { createTransport } from "./mod.ts";

const PATH = "/selvage.test.v1.EchoService/Repeat";

Deno.test("a message that a stream has written is not kept while its caller reads nothing", async () => {
  const made: WeakRef<Uint8Array>[] = [];
  const pair = rpcPair((router) => {
    router.service(EchoService, {
      repeat: () => ({
        [Symbol.asyncIterator]: () => ({
          next() {
            const data = new Uint8Array(1_000_000);
            made.push(new WeakRef(data));
            return Promise.resolve({ done: false, value: { data } });
          },
        }),
      }),
    });
  });
  await using _ = pair;
  const request = enveloped(new Uint8Array());
  for (let streams = 0; streams < 8; streams++) {
    const ignored = { headers() {}, data() {}, trailers() {}, closed() {} };
    const fields = post(PATH, "application/connect+proto");
    pair.client.open(fields, ignored, { endStream: false }).sendData(request, true);
  }
  // Until all of them are full.
  for (let before = -1; before < made.length;) {
    before = made.length;
    await heapBytes();
  }
  assert(made.length >= 8);
  assert.equal(made.filter((data) => data.deref() !== undefined).length, 0);
  pair.lose();
  await pair.idle();
});

Deno.test("a message that a caller has sent is not kept while the service reads nothing", async () => {
  const made: WeakRef<Uint8Array>[] = [];
  const done = Promise.withResolvers<void>();
  const pair = rpcPair((router) => {
    router.service(EchoService, { collect: () => done.promise.then(() => ({})) });
  });
  await using _ = pair;
  const client = createClient(EchoService, createTransport({ connection: pair.client }));
  const calls = Promise.all(Array.from({ length: 8 }, () =>
    client.collect({
      [Symbol.asyncIterator]: () => ({
        next() {
          const data = new Uint8Array(1_000_000);
          made.push(new WeakRef(data));
          return Promise.resolve({ done: false, value: { data } });
        },
      }),
    })));
  calls.catch(() => {});
  // Until all of them are full.
  for (let before = -1; before < made.length;) {
    before = made.length;
    await heapBytes();
  }
  assert(made.length >= 8);
  assert.equal(made.filter((data) => data.deref() !== undefined).length, 0);
  done.resolve();
  await calls;
});
