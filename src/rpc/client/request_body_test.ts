import assert from "node:assert/strict";
import { RequestBody } from "./request_body.ts";

async function* chunks(...sizes: number[]): AsyncGenerator<Uint8Array> {
  for (const size of sizes) yield new Uint8Array(size);
}

async function sizes(body: RequestBody): Promise<(number | undefined)[]> {
  const all: (number | undefined)[] = [];
  for (let at = 0; all.at(-1) !== undefined || at === 0; at++) {
    all.push((await body.chunk(at))?.byteLength);
  }
  return all;
}

Deno.test("RequestBody can be read again from its beginning while it is small", async () => {
  const body = new RequestBody(chunks(1, 2, 3));
  assert.deepEqual(await sizes(body), [1, 2, 3, undefined]);
  assert(body.repeatable);
  assert.deepEqual(await sizes(body), [1, 2, 3, undefined]);
});

Deno.test("RequestBody reads on from where another reader stopped", async () => {
  const body = new RequestBody(chunks(1, 2, 3));
  const unfinished = body.chunk(0);
  assert.deepEqual(await sizes(body), [1, 2, 3, undefined]);
  assert.equal((await unfinished)?.byteLength, 1);
});

Deno.test("RequestBody keeps no more than it may", async () => {
  const body = new RequestBody(chunks(60_000, 60_000, 5));
  assert.deepEqual(await sizes(body), [60_000, 60_000, 5, undefined]);
  assert(!body.repeatable);
});

Deno.test("RequestBody keeps nothing once the peer has answered", async () => {
  const body = new RequestBody(chunks(1, 2, 3));
  await body.chunk(0);
  body.forget();
  assert(!body.repeatable);
  assert.equal((await body.chunk(1))?.byteLength, 2);
});

Deno.test("RequestBody lets its iterable clean up when it is closed", async () => {
  const cleaned = Promise.withResolvers<void>();
  async function* cleaning(): AsyncGenerator<Uint8Array> {
    try {
      yield new Uint8Array(1);
    } finally {
      cleaned.resolve();
    }
  }
  const body = new RequestBody(cleaning());
  await body.chunk(0);
  body.close();
  await cleaned.promise;
});
