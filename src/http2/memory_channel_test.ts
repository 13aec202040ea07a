import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import type { ByteChannel } from "./byte_channel.ts";
import { memoryChannelPair } from "./memory_channel.ts";
import { settle } from "../../tests/support/http2/test_peer.ts";

/** Starts a channel that writes down what happens to it. */
function noted(channel: ByteChannel): string[] {
  const notes: string[] = [];
  channel.start({
    received: (bytes) => notes.push(`received ${[...bytes]}`),
    ended: () => notes.push("ended"),
    closed: (error) => notes.push(`closed ${error}`),
  });
  return notes;
}

Deno.test("memoryChannelPair delivers later, in order, and both ends", async () => {
  const [left, right] = memoryChannelPair();
  const leftNotes = noted(left);
  left.write(Uint8Array.of(1), () => {});
  left.write(Uint8Array.of(2, 3), () => {});
  left.end();
  left.write(Uint8Array.of(4), () => {});
  await settle();
  const rightNotes = noted(right);
  strictEqual(rightNotes.length, 0);
  await settle();
  deepStrictEqual(rightNotes, ["received 1", "received 2,3", "ended"]);
  right.end();
  await settle();
  deepStrictEqual(leftNotes, ["ended", "closed undefined"]);
  deepStrictEqual(rightNotes.at(-1), "closed undefined");
});

Deno.test("memoryChannelPair copies, so that a buffer may be used again once written", async () => {
  const [left, right] = memoryChannelPair();
  const kept: Uint8Array[] = [];
  right.start({ received: (bytes) => kept.push(bytes), ended() {}, closed() {} });
  const buffer = Uint8Array.of(1);
  left.write(buffer, () => buffer[0] = 9);
  await settle();
  deepStrictEqual(kept, [Uint8Array.of(1)]);
});

Deno.test("memoryChannelPair leaves writes pending while the reader is paused", async () => {
  const [left, right] = memoryChannelPair();
  const notes = noted(right);
  right.pause();
  let written = 0;
  left.write(Uint8Array.of(1), () => written++);
  left.write(Uint8Array.of(2), () => written++);
  await settle();
  deepStrictEqual([written, notes], [0, []]);
  right.resume();
  await settle();
  deepStrictEqual([written, notes], [2, ["received 1", "received 2"]]);
});

Deno.test("memoryChannelPair drops what was not delivered when an end is destroyed", async () => {
  const [left, right] = memoryChannelPair();
  const leftNotes = noted(left);
  const rightNotes = noted(right);
  left.write(Uint8Array.of(1), () => {});
  left.destroy();
  left.destroy();
  await settle();
  deepStrictEqual(leftNotes, ["closed undefined"]);
  deepStrictEqual(rightNotes, ["closed undefined"]);
});

Deno.test("memoryChannelPair is started once", () => {
  const [left] = memoryChannelPair();
  noted(left);
  throws(() => noted(left), TypeError);
  strictEqual(typeof left.end, "function");
});

Deno.test("memoryChannelPair leaves the event loop its turns while both ends answer at once", async () => {
  const many = 100_000;
  let passed = 0;
  let over = false;
  const answer = (channel: ByteChannel) => {
    const received = () => {
      if (!over && ++passed < many) channel.write(Uint8Array.of(1), () => {});
    };
    channel.start({ received, ended() {}, closed() {} });
  };
  const [left, right] = memoryChannelPair();
  answer(left);
  answer(right);
  left.write(Uint8Array.of(1), () => {});
  await setImmediate();
  over = true;
  ok(passed < many, `${passed} passed in one turn`);
});
