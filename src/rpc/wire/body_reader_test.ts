import assert from "node:assert/strict";
import { BodyReader } from "./body_reader.ts";

function open(credited = 0) {
  const seen = { released: 0, abandoned: 0 };
  const body = new BodyReader({
    release: (count) => seen.released += count,
    abandoned: () => seen.abandoned++,
  }, credited);
  return { body, seen };
}

Deno.test("BodyReader gives credit back only for what was read", async () => {
  const { body, seen } = open();
  body.push(new Uint8Array(3));
  body.push(new Uint8Array(4));
  assert.equal(seen.released, 0);
  assert.equal((await body.next()).value?.byteLength, 3);
  assert.equal(seen.released, 3);
});

Deno.test("BodyReader gives no credit twice", async () => {
  const { body, seen } = open(5);
  body.push(new Uint8Array(3));
  body.push(new Uint8Array(4));
  await body.next();
  assert.equal(seen.released, 0);
  await body.next();
  assert.equal(seen.released, 2);
});

Deno.test("BodyReader answers those who wait in their order", async () => {
  const { body } = open();
  const waiting = [body.next(), body.next(), body.next()];
  body.push(new Uint8Array(1));
  body.push(new Uint8Array(2));
  body.end();
  const results = await Promise.all(waiting);
  assert.deepEqual(results.map(({ value }) => value?.byteLength), [1, 2, undefined]);
});

Deno.test("BodyReader gives what is left before its end", async () => {
  const { body } = open();
  body.push(new Uint8Array(1));
  body.end();
  assert.equal((await body.next()).done, false);
  assert.equal((await body.next()).done, true);
});

Deno.test("BodyReader throws its error instead of what is left", async () => {
  const { body, seen } = open();
  body.push(new Uint8Array(7));
  body.fail(new Error("lost"));
  await assert.rejects(body.next(), { message: "lost" });
  await assert.rejects(body.next(), { message: "lost" });
  assert.equal(seen.released, 7);
});

Deno.test("BodyReader drops what comes after it was abandoned", async () => {
  const { body, seen } = open();
  body.push(new Uint8Array(1));
  await body.return();
  body.push(new Uint8Array(2));
  assert.deepEqual(seen, { released: 3, abandoned: 1 });
  assert.equal((await body.next()).done, true);
});

Deno.test("BodyReader that is done with its whole body abandons nothing", async () => {
  const { body, seen } = open();
  body.end();
  await body.return();
  assert.equal(seen.abandoned, 0);
});
