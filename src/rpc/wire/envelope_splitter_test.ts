import assert from "node:assert/strict";
import { Code } from "@connectrpc/connect";
import fc from "../../../tests/support/fast_check.ts";
import { envelope } from "./envelope.ts";
import { EnvelopeSplitter } from "./envelope_splitter.ts";
import { GatherBudget } from "./gather_budget.ts";

function* split(splitter: EnvelopeSplitter, pieces: Iterable<Uint8Array>) {
  for (const piece of pieces) {
    splitter.push(piece);
    for (let message; (message = splitter.next()) !== undefined;) {
      yield { flags: splitter.flags, message };
    }
  }
}

Deno.test("EnvelopeSplitter gives the same messages in whatever pieces they come", () => {
  const messages = fc.array(
    fc.record({ flags: fc.nat(255), message: fc.uint8Array({ maxLength: 300 }) }, {
      noNullPrototype: true,
    }),
    { maxLength: 6 },
  );
  fc.assert(fc.property(messages, fc.array(fc.nat(900), { maxLength: 8 }), (messages, cuts) => {
    const body = Uint8Array.from(
      messages.flatMap(({ flags, message }) => [...envelope(message, flags)]),
    );
    const bounds = [0, ...cuts.filter((at) => at < body.length).sort((a, b) => a - b), body.length];
    const pieces = bounds.slice(1).map((end, at) => body.slice(bounds[at], end));
    const splitter = new EnvelopeSplitter(300);
    assert.deepEqual([...split(splitter, pieces)], messages);
    assert.equal(splitter.isTorn, false);
  }));
});

Deno.test("EnvelopeSplitter reports an envelope that has begun and not ended", () => {
  const whole = envelope(Uint8Array.of(1, 2, 3), 0);
  for (let length = 0; length <= whole.length; length++) {
    const splitter = new EnvelopeSplitter(300);
    assert.equal([...split(splitter, [whole.subarray(0, length)])].length, length === 8 ? 1 : 0);
    assert.equal(splitter.isTorn, length > 0 && length < 8);
  }
});

Deno.test("EnvelopeSplitter refuses at its header what declares too much", () => {
  const splitter = new EnvelopeSplitter(300);
  splitter.push(Uint8Array.of(0, 0, 0, 1, 45));
  assert.throws(() => splitter.next(), {
    code: Code.ResourceExhausted,
    rawMessage: "message size 301 is larger than configured readMaxBytes 300",
  });
});

Deno.test("EnvelopeSplitter takes of its budget what has arrived, not what was declared", () => {
  const budget = new GatherBudget(1_000_000);
  const declaring = Uint8Array.of(0, 0, 255, 255, 255, 1);
  for (let count = 0; count < 1000; count++) {
    assert.deepEqual([...split(new EnvelopeSplitter(2 ** 30, budget), [declaring])], []);
  }
  const piece = new Uint8Array(400_000);
  const splitter = new EnvelopeSplitter(2 ** 30, budget);
  assert.throws(() => [...split(splitter, [declaring, piece, piece, piece])], {
    code: Code.ResourceExhausted,
  });
  splitter.drop();
  assert.deepEqual(
    [...split(new EnvelopeSplitter(2 ** 30, budget), [declaring, piece])],
    [],
  );
});

Deno.test("EnvelopeSplitter keeps no large piece alive for a small message", () => {
  const [small, large] = [new Uint8Array(100), new Uint8Array(10_000)];
  const body = Uint8Array.from([...envelope(small, 0), ...envelope(large, 0)]);
  const [first, second] = split(new EnvelopeSplitter(2 ** 20), [body]);
  assert.equal(first!.message.buffer.byteLength, 100);
  assert.equal(second!.message.buffer, body.buffer);
});
