import assert from "node:assert/strict";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import fc from "../../../tests/support/fast_check.ts";
import { allocateWithRoom } from "../../values/mod.ts";
import { envelope, inEnvelope, soleMessage } from "./envelope.ts";

Deno.test("envelope writes as connect-es does", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 70_000 }), fc.nat(255), (message, flags) => {
    assert.deepEqual(envelope(message, flags), encodeEnvelope(flags, message));
  }));
});

Deno.test("soleMessage reads one whole envelope without flags, and nothing else", () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.nat(255), fc.nat(2 ** 32 - 1), (message, flags, length) => {
      const body = envelope(message, flags);
      assert.deepEqual(soleMessage(body), flags === 0 ? message : undefined);
      assert.equal(soleMessage(body.subarray(0, body.byteLength - 1)), undefined);
      assert.equal(soleMessage(Uint8Array.of(...body, 0)), undefined);
      new DataView(body.buffer).setUint32(1, length);
      if (length !== message.byteLength) assert.equal(soleMessage(body), undefined);
    }),
  );
});

Deno.test("inEnvelope puts the head before a message that has room, and leaves any other", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 1_000 }), fc.nat(255), (bytes, flags) => {
    const message = allocateWithRoom(bytes.length);
    message.set(bytes);
    assert.deepEqual(inEnvelope(message, flags), envelope(bytes, flags));
    assert.deepEqual(message, bytes);
    assert.equal(inEnvelope(message, flags), undefined);
    assert.equal(inEnvelope(bytes, flags), undefined);
  }));
});
