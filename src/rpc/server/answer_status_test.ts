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

  release(count: number): void {
    this.released += count;
  }

  reset(): void {}
}

Deno.test("answerStatusOnceMoreArrives() answers once, with the first of the body, and drops the rest", () => {
  const stream = new RecordingStream();
  const receiver = answerStatusOnceMoreArrives(stream, 415);
  assert.deepEqual(stream.sent, []);
  receiver.data(new Uint8Array(3), false);
  receiver.data(new Uint8Array(4), false);
  receiver.trailers([]);
  receiver.closed({ how: "complete", code: ErrorCode.NO_ERROR });
  assert.deepEqual(stream.sent, [[":status", "415"]]);
  assert.equal(stream.released, 7);
});

Deno.test("answerStatusOnceMoreArrives() answers a request that ends with trailers alone", () => {
  const stream = new RecordingStream();
  answerStatusOnceMoreArrives(stream, 415).trailers([]);
  assert.deepEqual(stream.sent, [[":status", "415"]]);
});
