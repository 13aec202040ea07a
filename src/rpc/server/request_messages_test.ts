import assert from "node:assert/strict";
import fc from "../../../tests/support/fast_check.ts";
import { envelope } from "../wire/envelope.ts";
import { GatherBudget } from "../wire/gather_budget.ts";
import { StreamTurn } from "../wire/stream_turn.ts";
import { RequestMessages } from "./request_messages.ts";

function request(turn?: StreamTurn): RequestMessages {
  return new RequestMessages(10_000, new GatherBudget(1e6), () => {}, true, turn);
}

async function iterated(requests: RequestMessages): Promise<Uint8Array[]> {
  return await Array.fromAsync(requests);
}

async function taken(requests: RequestMessages): Promise<Uint8Array[]> {
  const read: Uint8Array[] = [];
  for (;;) {
    let message = requests.take();
    if (message === undefined) {
      const { done, value } = await requests.next();
      if (done) return read;
      message = value;
    }
    read.push(message);
  }
}

const messages = fc.array(fc.uint8Array({ maxLength: 2_000 }), { maxLength: 20 });
const cuts = fc.array(
  fc.record({ bytes: fc.integer({ min: 1, max: 3_000 }), isLent: fc.boolean() }),
  {
    minLength: 1,
  },
);

for (
  const [how, read] of [["iterated", iterated], ["taken where they are there", taken]] as const
) {
  Deno.test(`RequestMessages are the same however the body comes, ${how}`, async () => {
    await fc.assert(fc.asyncProperty(messages, cuts, async (messages, cuts) => {
      const body = Uint8Array.from(messages.flatMap((message) => [...envelope(message, 0)]));
      const requests = request();
      const reading = read(requests);
      for (let at = 0, index = 0; at < body.length; index++) {
        const { bytes, isLent } = cuts[index % cuts.length]!;
        const piece = body.slice(at, at + bytes);
        at += piece.length;
        if (isLent) {
          requests.lend(piece);
          piece.fill(0xff);
        } else requests.push(piece);
        // Some pieces come together.
        if (index % 2 === 0) await Promise.resolve();
      }
      requests.end();
      assert.deepEqual(await reading, messages);
    }));
  });

  Deno.test(`RequestMessages fail with the body, ${how}`, async () => {
    const requests = request();
    requests.push(envelope(new Uint8Array(3), 0));
    const lost = new Error("lost");
    requests.fail(lost);
    await assert.rejects(read(requests), lost);
    const torn = request();
    torn.push(envelope(new Uint8Array(3), 0).subarray(0, 7));
    torn.end();
    await assert.rejects(read(torn), /incomplete envelope/);
    const large = request();
    large.push(envelope(new Uint8Array(10_001), 0));
    await assert.rejects(read(large), /10001/);
  });
}

Deno.test("RequestMessages gives nothing to take once the time of the turn is used up", () => {
  let now = 0;
  const turn = new StreamTurn(() => now += 10, () => {});
  const requests = request(turn);
  for (let message = 0; message < 100; message++) requests.push(envelope(new Uint8Array(1), 0));
  let count = 0;
  while (requests.take() !== undefined) count++;
  assert.equal(count, 64);
});
