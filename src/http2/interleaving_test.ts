import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "../../tests/support/fast_check.ts";
import type { ByteChannel, ByteReceiver } from "./byte_channel.ts";
import { openClientConnection } from "./connection/client_connection.ts";
import { PassingChannel } from "../../tests/support/http2/passing_channel.ts";
import { memoryChannelPair } from "../../tests/support/http2/watched_pair.ts";
import { openServerConnection } from "./connection/server_connection.ts";
import type { Stream, StreamReceiver } from "./streams/stream.ts";
import {
  CollectedStream,
  joinBytes,
  REQUEST,
  RESPONSE,
} from "../../tests/support/http2/test_peer.ts";

/** Hands on what another channel receives in pieces whose sizes repeat. */
class TornChannel extends PassingChannel {
  readonly #sizes: readonly number[];
  #turn = 0;

  constructor(inner: ByteChannel, sizes: readonly number[]) {
    super(inner);
    this.#sizes = sizes;
  }

  override start(receiver: ByteReceiver): void {
    this.inner.start({
      received: (bytes) => {
        for (let at = 0; at < bytes.length;) {
          const size = this.#sizes[this.#turn++ % this.#sizes.length]!;
          receiver.received(bytes.slice(at, at + size));
          at += size;
        }
      },
      ended: () => receiver.ended(),
      closed: (error) => receiver.closed(error),
    });
  }
}

/** Sends back what it gets, and gives credit for it only when its own queue has room. */
class SlowEcho implements StreamReceiver {
  readonly #stream: Stream;
  #held = 0;
  #full = false;

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  data(bytes: Uint8Array, endStream: boolean): void {
    this.#held += bytes.length;
    this.#full = !this.#stream.sendData(bytes, endStream);
    if (!this.#full) this.writable();
  }

  trailers(fields: readonly string[]): void {
    this.#stream.sendTrailers(fields);
  }

  writable(): void {
    this.#stream.release(this.#held);
    this.#held = 0;
  }

  closed(): void {}
}

const body = fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 8 })
  .map((chunks) => chunks.map((chunk, at) => at % 3 === 2 ? repeat(chunk, 20) : chunk));

Deno.test("whatever is sent in whatever pieces on whatever streams arrives as it was", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(body, fc.boolean()), { minLength: 1, maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 10 }),
      fc.integer({ min: 1000, max: 100_000 }),
      async (requests, sizes, streamWindowBytes) => {
        const [near, far] = memoryChannelPair();
        const limits = { streamWindowBytes, streamQueueBytes: 20_000, maxConcurrentStreams: 5 };
        const server = openServerConnection(new TornChannel(far, sizes), {
          limits,
          onRequest: (stream, _fields, endStream) => {
            stream.sendHeaders(RESPONSE, endStream);
            return new SlowEcho(stream);
          },
        });
        const client = openClientConnection(new TornChannel(near, sizes), { limits });
        const answers = requests.map(([chunks, trailers]) => {
          const answer = new CollectedStream();
          const stream = answer.stream = client.open(REQUEST, answer, { endStream: false });
          for (const chunk of chunks) stream.sendData(chunk, false);
          if (trailers) stream.sendTrailers(["x-sum", String(chunks.length)]);
          else stream.sendData(new Uint8Array(0), true);
          return answer;
        });
        for (const [at, answer] of answers.entries()) {
          strictEqual((await answer.ended).how, "complete");
          const [chunks, trailers] = requests[at]!;
          deepStrictEqual(answer.bytes, joinBytes(chunks));
          const expected = trailers ? ["x-sum", String(chunks.length)] : undefined;
          deepStrictEqual(answer.trailerFields, expected);
        }
        client.shutdown();
        strictEqual((await client.closed).how, "orderly");
        strictEqual((await server.closed).how, "orderly");
      },
    ),
    { numRuns: 60 },
  );
});

function repeat(chunk: Uint8Array, times: number): Uint8Array {
  return joinBytes(Array(times).fill(chunk));
}
