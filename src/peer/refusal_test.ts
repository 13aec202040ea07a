import assert from "node:assert/strict";
import fc from "../../tests/support/fast_check.ts";
import { ManualClock, turn } from "../../tests/support/manual_clock.ts";
import type { AcceptedChannel } from "../channel/mod.ts";
import {
  type ByteChannel,
  ErrorCode,
  memoryChannelPair,
  openClientConnection,
} from "../http2/mod.ts";
import { readRefusal, refusalGoAway, refusalSettings, refuse } from "./refusal.ts";

const { INADEQUATE_SECURITY } = ErrorCode;

function read(text: string, code: number = INADEQUATE_SECURITY): string | undefined {
  return readRefusal(code, new TextEncoder().encode(text));
}

Deno.test("a client reads the reason out of the bytes of a refusal", async () => {
  const [near, far] = memoryChannelPair();
  const reported = Promise.withResolvers<string | undefined>();
  const connection = openClientConnection(near, {
    onGoAway: ({ code, debugData }) => reported.resolve(readRefusal(code, debugData)),
  });
  far.start({ received: () => {}, ended: () => {}, closed: () => {} });
  far.write(refusalSettings(), () => {});
  far.write(refusalGoAway("certificate-expired"), () => {});
  far.end();
  assert.equal(await reported.promise, "certificate-expired");
  near.destroy();
  await connection.closed;
});

/** A refused client by hand: what it has received, and what happened at the worker's end. */
function refusedClient(clock: ManualClock): {
  readonly channel: ByteChannel;
  readonly received: number[];
  readonly ends: string[];
} {
  const [channel, far] = memoryChannelPair();
  const received: number[] = [];
  const ends: string[] = [];
  channel.start({
    received: (bytes) => void received.push(...bytes),
    ended: () => void ends.push("ended"),
    closed: () => void ends.push("closed"),
  });
  const accepted = { channel: far, settle: () => void ends.push("settled") };
  refuse(accepted as unknown as AcceptedChannel, "subject-not-allowed", clock, () => {
    ends.push("speech");
  });
  return { channel, received, ends };
}

const SETTINGS_THEN_REASON = [...refusalSettings(), ...refusalGoAway("subject-not-allowed")];

Deno.test("a refused client gets SETTINGS at once, and the reason 50 ms after its first bytes", async () => {
  const clock = new ManualClock();
  const { channel, received, ends } = refusedClient(clock);
  await turn();
  assert.deepEqual(received, [...refusalSettings()]);
  channel.write(new Uint8Array(24), () => {});
  await turn();
  await clock.advanceInTurns(49);
  // More bytes put nothing off.
  channel.write(new Uint8Array(9), () => {});
  await turn();
  assert.deepEqual(received, [...refusalSettings()]);
  await clock.advanceInTurns(1);
  assert.deepEqual(received, SETTINGS_THEN_REASON);
  assert.deepEqual(ends, ["speech", "ended"]);
  await clock.advanceInTurns(1_000);
  assert.deepEqual(ends.slice(2).sort(), ["closed", "settled"]);
  assert.equal(clock.pending, 0);
});

Deno.test("a refused client that stays silent gets the reason after 900 ms", async () => {
  const clock = new ManualClock();
  const { received, ends } = refusedClient(clock);
  await clock.advanceInTurns(899);
  assert.deepEqual(received, [...refusalSettings()]);
  await clock.advanceInTurns(1);
  assert.deepEqual(received, SETTINGS_THEN_REASON);
  await clock.advanceInTurns(1_000);
  assert.deepEqual(ends.sort(), ["closed", "ended", "settled"]);
});

Deno.test("a refused client that ends its direction gets the reason at once", async () => {
  const clock = new ManualClock();
  const { channel, received } = refusedClient(clock);
  channel.end();
  await turn();
  assert.deepEqual(received, SETTINGS_THEN_REASON);
});

Deno.test("a refused client that sends without end is cut off", async () => {
  const clock = new ManualClock();
  const { channel, received, ends } = refusedClient(clock);
  for (let sent = 0; sent < 9; sent += 1) {
    channel.write(new Uint8Array(16 * 1024), () => {});
    await turn();
  }
  assert.deepEqual(ends.sort(), ["closed", "settled", "speech"]);
  assert.deepEqual(received, [...refusalSettings()]);
  assert.equal(clock.pending, 0);
});

Deno.test("the GOAWAY of a refusal does not let the client retry its calls at once", () => {
  const bytes = refusalGoAway("untrusted-authority");
  assert.equal(new DataView(bytes.buffer).getUint32(9), 2 ** 31 - 1);
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
