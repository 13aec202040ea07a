import assert from "node:assert/strict";
import fc from "fast-check";
import { ErrorCode, memoryChannelPair, openClientConnection } from "../http2/mod.ts";
import { readRefusal, refusalBytes } from "./refusal.ts";

const { INADEQUATE_SECURITY } = ErrorCode;

function read(text: string, code: number = INADEQUATE_SECURITY): string | undefined {
  return readRefusal(code, new TextEncoder().encode(text));
}

Deno.test("a client reads the reason out of the bytes of a refusal", async () => {
  const [near, far] = memoryChannelPair();
  const told = Promise.withResolvers<string | undefined>();
  const connection = openClientConnection(near, {
    onGoAway: ({ code, debugData }) => told.resolve(readRefusal(code, debugData)),
  });
  far.start({ received: () => {}, ended: () => {}, closed: () => {} });
  far.write(refusalBytes("certificate-expired"), () => {});
  far.end();
  assert.equal(await told.promise, "certificate-expired");
  near.destroy();
  await connection.closed;
});

Deno.test("readRefusal reads the one form there is", () => {
  assert.equal(read('{"refused":"untrusted-authority"}'), "untrusted-authority");
  assert.equal(read(' { "refused" : "subject-not-allowed" } '), "subject-not-allowed");
});

Deno.test("readRefusal takes nothing else", () => {
  const others = [
    "",
    "untrusted-authority",
    '"untrusted-authority"',
    '["untrusted-authority"]',
    "null",
    "{}",
    '{"refused":"no such word"}',
    '{"refused":["untrusted-authority"]}',
    '{"refused":"handshake-timeout"}',
    '{"refused":"untrusted-authority","more":1}',
    '{"reason":"untrusted-authority"}',
    `{"refused":"untrusted-authority"${" ".repeat(256)}}`,
  ];
  for (const text of others) assert.equal(read(text), undefined, text);
  assert.equal(read('{"refused":"untrusted-authority"}', ErrorCode.NO_ERROR), undefined);
  assert.equal(readRefusal(INADEQUATE_SECURITY, new Uint8Array([0xff, 0xfe])), undefined);
});

Deno.test("readRefusal never throws, whatever it is given", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
    assert.equal(readRefusal(INADEQUATE_SECURITY, bytes), undefined);
  }));
});
