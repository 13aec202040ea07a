import assert from "node:assert/strict";
import { Code } from "@connectrpc/connect";
import fc from "../../../tests/support/fast_check.ts";
import { ArrivingMessages } from "./arriving_messages.ts";
import { envelope } from "./envelope.ts";
import { GatherBudget } from "./gather_budget.ts";

/** Messages of all sizes: small ones, those that are gathered, and those that do not fit a frame. */
const sizes = fc.oneof(
  fc.nat(40),
  fc.integer({ min: 1000, max: 1100 }),
  fc.integer({ min: 5000, max: 40_000 }),
);
const flags = fc.oneof(fc.constant(0), fc.nat(255));
const bodies = fc.array(fc.record({ flags, size: sizes }), { maxLength: 8 });
/** How a body is cut, which pieces are only lent, and after which the reader reads how many messages. */
const cuts = fc.array(
  fc.record({
    bytes: fc.integer({ min: 1, max: 20_000 }),
    isLent: fc.boolean(),
    reads: fc.nat(3),
    readsSmall: fc.nat(3),
  }),
  { minLength: 1, maxLength: 12 },
);

function messageOf(size: number, seed: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, at) => at * 31 + seed);
}

Deno.test("ArrivingMessages gives the same messages however the body comes, lent or not", () => {
  fc.assert(fc.property(bodies, cuts, (messages, cuts) => {
    const expected = messages.map(({ flags, size }, at) => ({
      flags,
      message: messageOf(size, at),
    }));
    const body = Uint8Array.from(
      expected.flatMap((each) => [...envelope(each.message, each.flags)]),
    );
    let released = 0;
    const arriving = new ArrivingMessages(40_000, (count) => released += count);
    const read: typeof expected = [];
    const next = () => {
      const message = arriving.next();
      if (message !== undefined) read.push({ flags: arriving.flags, message });
      return message !== undefined;
    };
    for (let at = 0, index = 0; at < body.length; index++) {
      const { bytes, isLent, reads, readsSmall } = cuts[index % cuts.length]!;
      const piece = body.slice(at, at + bytes);
      at += piece.length;
      if (isLent) {
        arriving.lend(piece);
        piece.buffer.transfer(0);
      } else arriving.push(piece);
      for (let count = 0; count < reads && next(); count++) {
        for (let small = 0; small < readsSmall; small++) {
          const message = arriving.nextSmall();
          if (message !== undefined) read.push({ flags: 0, message });
        }
      }
      assert.equal(arriving.heldBytes + released, at);
    }
    while (next());
    assert.deepEqual(read, expected);
    assert.equal(released, body.length);
    assert.equal(arriving.isTorn, false);
  }));
});

Deno.test("ArrivingMessages gives no credit for a message that nobody waits for", () => {
  let released = 0;
  const arriving = new ArrivingMessages(100_000, (count) => released += count);
  const whole = envelope(messageOf(60_000, 1), 0);
  arriving.lend(whole.slice(0, 20_000));
  assert.equal(released, 0);
  assert.equal(arriving.next(), undefined);
  assert.equal(released, 20_000);
  arriving.lend(whole.slice(20_000, 40_000));
  assert.equal(released, 40_000);
  arriving.lend(whole.slice(40_000));
  assert.deepEqual([released, arriving.heldBytes], [40_000, whole.length - 40_000]);
  arriving.drop();
  assert.deepEqual([released, arriving.heldBytes], [whole.length, 0]);
});

Deno.test("ArrivingMessages gives the messages before one that declares too much, and then refuses it", () => {
  const arriving = new ArrivingMessages(5000, () => {});
  arriving.lend(Uint8Array.from([...envelope(messageOf(5000, 1), 0), 0, 0, 0, 0x20, 0, 7, 7]));
  assert.deepEqual(arriving.next(), messageOf(5000, 1));
  for (let count = 0; count < 2; count++) {
    assert.throws(() => arriving.next(), { code: Code.ResourceExhausted });
    arriving.lend(new Uint8Array(5000));
  }
});

Deno.test("ArrivingMessages takes for promises a quarter of its budget, and else twice what has arrived", () => {
  const budget = new GatherBudget(8_000_000);
  const begun = Array.from({ length: 100 }, () => {
    const arriving = new ArrivingMessages(2_000_000, () => {}, budget);
    arriving.lend(Uint8Array.from([0, 0, 0x10, 0, 0, 1]));
    return arriving;
  });
  assert(budget.spentBytes > 0 && budget.spentBytes <= 2_000_000);
  for (const arriving of begun) arriving.drop();
  assert.equal(budget.spentBytes, 0);
});

Deno.test("ArrivingMessages of one peer that nobody reads take no more than its share, however many", () => {
  const all = new GatherBudget(4 * 1024 * 1024);
  const peer = new GatherBudget(1024 * 1024, all);
  const message = envelope(new Uint8Array(400_000), 0);
  const unread = Array.from({ length: 20 }, () => {
    const arriving = new ArrivingMessages(message.byteLength, () => {}, peer);
    for (let at = 0; at < 390_000; at += 13_000) arriving.lend(message.subarray(at, at + 13_000));
    return arriving;
  });
  assert(all.spentBytes <= 1024 * 1024, String(all.spentBytes));
  const other = new ArrivingMessages(
    message.byteLength,
    () => {},
    new GatherBudget(1024 * 1024, all),
  );
  other.lend(message);
  assert.equal(other.next()?.byteLength, 400_000);
  assert.throws(() => unread.at(-1)!.next(), { code: Code.ResourceExhausted });
  for (const arriving of unread) arriving.drop();
  assert.equal(all.spentBytes, 0);
});
