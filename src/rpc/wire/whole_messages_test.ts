import assert from "node:assert/strict";
import { Code } from "@connectrpc/connect";
import fc from "../../../tests/support/fast_check.ts";
import { BodyReader } from "./body_reader.ts";
import { envelope } from "./envelope.ts";
import { WholeBody, WholeEnvelopes } from "./whole_messages.ts";

function bodyOf(pieces: readonly Uint8Array[]): BodyReader {
  const body = new BodyReader({ release: () => {}, abandoned: () => {} });
  for (const piece of pieces) body.push(piece);
  body.end();
  return body;
}

async function collect(body: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece);
  return pieces;
}

function cut(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const bounds = [0, ...cuts.filter((at) => at < bytes.length).sort((a, b) => a - b), bytes.length];
  return bounds.slice(1).map((end, at) => bytes.slice(bounds[at], end));
}

const messages = fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 6 });
const anyCuts = fc.array(fc.nat(400), { maxLength: 12 });

Deno.test("WholeEnvelopes gives the same bytes, cut only between envelopes", async () => {
  await fc.assert(fc.asyncProperty(messages, anyCuts, async (messages, cuts) => {
    const ends = new Set<number>();
    const bytes: number[] = [];
    for (const message of messages) {
      bytes.push(...envelope(message, 0));
      ends.add(bytes.length);
    }
    const pieces = await collect(
      new WholeEnvelopes(bodyOf(cut(Uint8Array.from(bytes), cuts)), 100, { endFlag: 0 }),
    );
    let at = 0;
    for (const piece of pieces) {
      at += piece.byteLength;
      assert(ends.has(at), `a piece ends at ${at}`);
    }
    assert.deepEqual(pieces.flatMap((piece) => [...piece]), bytes);
  }));
});

Deno.test("WholeEnvelopes gives many small messages in pieces of at most 64, and loses none", async () => {
  const many = fc.array(fc.uint8Array({ maxLength: 3 }), { minLength: 60, maxLength: 400 });
  await fc.assert(
    fc.asyncProperty(many, anyCuts, async (messages, cuts) => {
      const bytes = Uint8Array.from(messages.flatMap((message) => [...envelope(message, 0)]));
      const pieces = await collect(new WholeEnvelopes(bodyOf(cut(bytes, cuts)), 100));
      assert.deepEqual(pieces.flatMap((piece) => [...piece]), [...bytes]);
      for (const piece of pieces) assert.ok(piece.byteLength <= 65 * 8);
    }),
    { numRuns: 30 },
  );
});

Deno.test("WholeEnvelopes gives any bytes of a request on, however malformed", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), anyCuts, async (bytes, cuts) => {
      const pieces = await collect(new WholeEnvelopes(bodyOf(cut(bytes, cuts)), 100));
      assert.deepEqual(pieces.flatMap((piece) => [...piece]), [...bytes]);
    }),
  );
});

Deno.test("WholeEnvelopes gives on at once what declares too much", async () => {
  const body = new BodyReader({ release: () => {}, abandoned: () => {} });
  body.push(Uint8Array.of(0, 0, 0, 0, 101));
  const { value } = await new WholeEnvelopes(body, 100).next();
  assert.equal(value?.byteLength, 5);
});

Deno.test("WholeEnvelopes blames a peer whose response is torn or has no end", async () => {
  const torn = [envelope(new Uint8Array(5), 0).subarray(0, 7)];
  const endless = [envelope(new Uint8Array(5), 0)];
  for (const pieces of [torn, endless, []]) {
    const response = new WholeEnvelopes(bodyOf(pieces), 100, { endFlag: 2 });
    await assert.rejects(collect(response), { code: Code.Internal });
  }
  const ended = [envelope(new Uint8Array(5), 0), envelope(new Uint8Array(2), 2)];
  await collect(new WholeEnvelopes(bodyOf(ended), 100, { endFlag: 2 }));
});

Deno.test("WholeBody gives a body in one piece", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1 }), anyCuts, async (bytes, cuts) => {
      const pieces = await collect(
        new WholeBody(bodyOf(cut(bytes, cuts)), 1000, { promisedBytes: bytes.length }),
      );
      assert.deepEqual(pieces.map((piece) => [...piece]), [[...bytes]]);
    }),
  );
});

Deno.test("WholeBody refuses a body that is not as long as promised", async () => {
  for (const promised of [0, 9, 11]) {
    const body = new WholeBody(bodyOf([new Uint8Array(10)]), 1000, { promisedBytes: promised });
    await assert.rejects(collect(body), { code: Code.InvalidArgument });
  }
});

Deno.test("WholeBody gives one that is too large on as it comes", async () => {
  const body = new BodyReader({ release: () => {}, abandoned: () => {} });
  body.push(new Uint8Array(60));
  body.push(new Uint8Array(60));
  const whole = new WholeBody(body, 100);
  assert.equal((await whole.next()).value?.byteLength, 120);
  body.push(new Uint8Array(60));
  assert.equal((await whole.next()).value?.byteLength, 60);
});
