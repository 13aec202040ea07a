import assert from "node:assert/strict";
import { RequestMessages } from "../server/request_messages.ts";
import { BodyReader } from "./body_reader.ts";
import { GatherBudget } from "./gather_budget.ts";
import { StreamTurn } from "./stream_turn.ts";
import { WholeEnvelopes } from "./whole_messages.ts";

const EMPTY_ENVELOPES = 1_000;
const ENVELOPE_BYTES = 5;

/** A turn that ends when the test says so, on a clock that moves a little at each look. */
function heldTurn(msACheck: number) {
  let now = 0;
  const ends: (() => void)[] = [];
  const turn = new StreamTurn(() => now += msACheck, (end) => ends.push(end));
  return { turn, end: () => ends.shift()?.() };
}

function flood(): BodyReader {
  const body = new BodyReader({ release: () => {}, abandoned: () => {} });
  body.push(new Uint8Array(EMPTY_ENVELOPES * ENVELOPE_BYTES));
  body.end();
  return body;
}

function floodedMessages(turn: StreamTurn): RequestMessages {
  const messages = new RequestMessages(100, new GatherBudget(1e6), () => {}, true, turn);
  messages.push(new Uint8Array(EMPTY_ENVELOPES * ENVELOPE_BYTES));
  messages.end();
  return messages;
}

/** Lets everything run that is ready. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

for (
  const [name, messagesOf] of [
    [
      "RequestMessages",
      floodedMessages,
    ],
    ["WholeEnvelopes", (turn: StreamTurn) => new WholeEnvelopes(flood(), 100, { turn })],
  ] as const
) {
  Deno.test(`${name} gives no more messages in a turn than its time allows, and all of them in the end`, async () => {
    const { turn, end } = heldTurn(2);
    let given = 0;
    const reading = (async () => {
      for await (const piece of messagesOf(turn)) {
        given += Math.max(1, piece.byteLength / ENVELOPE_BYTES);
      }
    })();
    await settle();
    assert.ok(turn.isOver);
    const first = given;
    assert.ok(first > 0 && first <= 256, `${first} were given in one turn`);
    await settle();
    assert.equal(given, first);
    for (let turns = 0; turns < EMPTY_ENVELOPES && given < EMPTY_ENVELOPES; turns++) {
      end();
      await settle();
    }
    await reading;
    assert.equal(given, EMPTY_ENVELOPES);
  });
}

Deno.test("StreamTurn goes on at once while there is time", async () => {
  const { turn } = heldTurn(0);
  let given = 0;
  for await (const _ of floodedMessages(turn)) given++;
  assert.equal(given, EMPTY_ENVELOPES);
});

Deno.test("StreamTurn lets a few of many streams go on a turn, in the order in which they began to wait", async () => {
  const { turn, end } = heldTurn(2);
  turn.count(64);
  assert.ok(turn.isOver);
  const begun: number[] = [];
  const all = Array.from({ length: 20 }, (_, n) => turn.next().then(() => begun.push(n)));
  const turns: number[] = [];
  while (begun.length < all.length) {
    const before = begun.length;
    end();
    await settle();
    turns.push(begun.length - before);
  }
  assert.deepEqual(turns, [8, 8, 4]);
  assert.deepEqual(begun, Array.from(all.keys()));
});
