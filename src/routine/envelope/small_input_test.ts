import assert from "node:assert/strict";
import { withHead } from "../../values/mod.ts";
import { DEFAULT_PAYLOAD_LIMITS } from "../payload/limits.ts";
import { encodePayload } from "../payload/payload.ts";
import { encodeSmallInput } from "./small_input.ts";
import { encodeDuplexRequest } from "./stream_envelope.ts";

const limits = DEFAULT_PAYLOAD_LIMITS;

function plainly(value: unknown): Uint8Array {
  return encodeDuplexRequest({ kind: "value", payload: encodePayload(value, "input") });
}

Deno.test("encodeSmallInput() writes a few bytes as the plain path does, with room for an envelope", () => {
  for (let length = 0; length <= 64; length++) {
    const value = Uint8Array.from({ length }, (_, at) => 255 - at);
    const message = encodeSmallInput(value, limits)!;
    const around = withHead(message, 5)!;
    assert.deepEqual([...message], [...plainly(value)]);
    assert.deepEqual([...around.subarray(5)], [...message]);
  }
});

Deno.test("encodeSmallInput() leaves to the plain path what is longer, beyond a limit, or no byte string", () => {
  const few = new Uint8Array(10);
  assert.equal(encodeSmallInput(new Uint8Array(65), limits), undefined);
  assert.equal(encodeSmallInput([1, 2], limits), undefined);
  assert.equal(encodeSmallInput(few.buffer, limits), undefined);
  assert.equal(encodeSmallInput(few, { ...limits, bytes: 11 }), undefined);
  assert.equal(encodeSmallInput(few, { ...limits, containers: 0 }), undefined);
  assert.ok(encodeSmallInput(few, { ...limits, bytes: 12 }));
});
