import assert from "node:assert/strict";
import { asError, freeBuffer, joined, messageOf, present } from "./mod.ts";

Deno.test("present() leaves out what is undefined, and nothing else", () => {
  const all = { zero: 0, empty: "", no: false, nothing: null, missing: undefined };
  assert.deepEqual(present(all), { zero: 0, empty: "", no: false, nothing: null });
  assert.deepEqual(Object.keys({ ...present({ missing: undefined }) }), []);
});

Deno.test("joined() puts pieces after each other in bytes of their own", () => {
  const piece = Uint8Array.of(1, 2);
  const whole = joined([piece, new Uint8Array(0), Uint8Array.of(3)]);
  piece[0] = 9;
  assert.deepEqual([...whole], [1, 2, 3]);
});

Deno.test("asError() and messageOf() take whatever is thrown", () => {
  const error = new TypeError("broken");
  assert.equal(asError(error), error);
  assert.equal(asError("text").message, "text");
  assert.deepEqual([messageOf(error), messageOf(undefined)], ["broken", "undefined"]);
});

Deno.test("freeBuffer() frees whole buffers, and none that others may read", () => {
  const whole = new Uint8Array(65_536);
  freeBuffer(whole);
  assert.equal(whole.length, 0);
  const shared = new ArrayBuffer(65_536);
  const [part, other] = [new Uint8Array(shared, 0, 60_000), new Uint8Array(shared, 60_000)];
  freeBuffer(part);
  assert.deepEqual([part.length, other.length], [60_000, 5_536]);
});
