import assert from "node:assert/strict";
import { asError, joined, messageOf, present } from "./mod.ts";

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
