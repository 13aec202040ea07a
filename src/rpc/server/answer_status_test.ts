import assert from "node:assert/strict";
import { ErrorCode, type HeaderList, type Stream } from "../../http2/mod.ts";
import { answerStatusOnceMoreArrives } from "./answer_status.ts";

/** A stream that records what is sent and released. */
class RecordingStream implements Stream {
  readonly id = 1;
  readonly sent: HeaderList[] = [];
  released = 0;

  sendHeaders(fields: HeaderList): void {
    this.sent.push(fields);
  }

  sendData(): boolean {
    return true;
  }

  flush(): void {}

  sendTrailers(): void {}

  takeWhole(): void {}

  release(count: number): void {
    this.released += count;
  }

  reset(): void {}
}

Deno.test("answerStatusOnceMoreArrives() answers once, with the end of the body, and drops the body", () => {
  const stream = new RecordingStream();
  const receiver = answerStatusOnceMoreArrives(stream, 415);
  receiver.data(new Uint8Array(3), false);
  assert.deepEqual(stream.sent, []);
  receiver.data(new Uint8Array(4), true);
  receiver.closed({ how: "complete", code: ErrorCode.NO_ERROR });
  assert.deepEqual(stream.sent, [[":status", "415"]]);
  assert.equal(stream.released, 7);
});

Deno.test("answerStatusOnceMoreArrives() answers a body that goes on", async () => {
  const answered = Promise.withResolvers<void>();
  const stream = new RecordingStream();
  stream.sendHeaders = (fields) => {
    stream.sent.push(fields);
    answered.resolve();
  };
  const receiver = answerStatusOnceMoreArrives(stream, 415);
  receiver.data(new Uint8Array(3), false);
  await answered.promise;
  receiver.data(new Uint8Array(4), false);
  receiver.trailers([]);
  assert.deepEqual(stream.sent, [[":status", "415"]]);
  assert.equal(stream.released, 7);
});

Deno.test("answerStatusOnceMoreArrives() answers nothing where the stream is over before", () => {
  const stream = new RecordingStream();
  const receiver = answerStatusOnceMoreArrives(stream, 415);
  receiver.data(new Uint8Array(3), false);
  // A timer that went on would be a leak of this test.
  receiver.closed({ how: "reset-by-peer", code: ErrorCode.CANCEL });
  assert.deepEqual(stream.sent, []);
});

Deno.test("answerStatusOnceMoreArrives() answers a request that ends with trailers alone", () => {
  const stream = new RecordingStream();
  answerStatusOnceMoreArrives(stream, 415).trailers([]);
  assert.deepEqual(stream.sent, [[":status", "415"]]);
});
