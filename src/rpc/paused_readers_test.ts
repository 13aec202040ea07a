import assert from "node:assert/strict";
import { createClient } from "@connectrpc/connect";
import { throughPlainPath } from "../../tests/support/echo.ts";
import { EchoService } from "../../tests/support/gen/selvage/test/v1/echo_pb.ts";
import { heapBytes } from "../../tests/support/heap.ts";
import { enveloped, post } from "../../tests/support/raw_call.ts";
import { rpcPair } from "../../tests/support/rpc_pair.ts";
import type { ClientConnection, HeaderList, Stream, StreamReceiver } from "../http2/mod.ts";
import { joined } from "../values/mod.ts";
import { createTransport } from "./mod.ts";

const PATH = "/selvage.test.v1.EchoService/Repeat";

Deno.test("a message that a stream has written is not kept while its caller reads nothing", async () => {
  const made: WeakRef<Uint8Array>[] = [];
  const pair = rpcPair((router) => {
    router.service(EchoService, {
      repeat: () => ({
        [Symbol.asyncIterator]: () => ({
          next() {
            const data = new Uint8Array(1_000_000);
            made.push(new WeakRef(data));
            return Promise.resolve({ done: false, value: { data } });
          },
        }),
      }),
    });
  });
  await using _ = pair;
  const request = enveloped(new Uint8Array());
  for (let streams = 0; streams < 8; streams++) {
    const ignored = { headers() {}, data() {}, trailers() {}, closed() {} };
    const fields = post(PATH, "application/connect+proto");
    pair.client.open(fields, ignored, { endStream: false }).sendData(request, true);
  }
  // Until all of them are full.
  for (let before = -1; before < made.length;) {
    before = made.length;
    await heapBytes();
  }
  assert(made.length >= 8);
  assert.equal(made.filter((data) => data.deref() !== undefined).length, 0);
  pair.lose();
  await pair.idle();
});

Deno.test("a message that a caller has sent is not kept while the service reads nothing", async () => {
  const made: WeakRef<Uint8Array>[] = [];
  const done = Promise.withResolvers<void>();
  const pair = rpcPair((router) => {
    router.service(EchoService, { collect: () => done.promise.then(() => ({})) });
  });
  await using _ = pair;
  const client = createClient(EchoService, createTransport({ connection: pair.client }));
  const calls = Promise.all(Array.from({ length: 8 }, () =>
    client.collect({
      [Symbol.asyncIterator]: () => ({
        next() {
          const data = new Uint8Array(1_000_000);
          made.push(new WeakRef(data));
          return Promise.resolve({ done: false, value: { data } });
        },
      }),
    })));
  calls.catch(() => {});
  // Until all of them are full.
  for (let before = -1; before < made.length;) {
    before = made.length;
    await heapBytes();
  }
  assert(made.length >= 8);
  assert.equal(made.filter((data) => data.deref() !== undefined).length, 0);
  done.resolve();
  await calls;
});

/** The ways to be served, and how each says how long a call has. */
const WAYS = [
  {
    served: "fast path",
    type: "connect+proto",
    time: (ms: number) => ["connect-timeout-ms", `${ms}`],
  },
  { served: "fast path", type: "grpc", time: (ms: number) => ["grpc-timeout", `${ms}m`] },
  {
    served: "plain path",
    type: "connect+proto",
    time: (ms: number) => ["connect-timeout-ms", `${ms}`],
  },
  {
    served: "plain path",
    type: "connect+json",
    time: (ms: number) => ["connect-timeout-ms", `${ms}`],
  },
  { served: "plain path", type: "grpc", time: (ms: number) => ["grpc-timeout", `${ms}m`] },
  { served: "plain path", type: "grpc-web", time: (ms: number) => ["grpc-timeout", `${ms}m`] },
] as const;

for (const { served, type, time } of WAYS) {
  const options = served === "plain path" ? { interceptors: [throughPlainPath] } : undefined;
  const body = enveloped(new TextEncoder().encode(type.endsWith("json") ? "{}" : ""));

  Deno.test(`${served}, ${type}: a caller that reads nothing holds no place once its time is over`, async () => {
    let isEntered = false;
    const left = Promise.withResolvers<void>();
    const pair = rpcPair((router) =>
      router.service(EchoService, {
        async *repeat() {
          isEntered = true;
          try {
            for (;;) yield { data: new Uint8Array(65_536) };
          } finally {
            left.resolve();
          }
        },
      }, options)
    );
    await using _ = pair;
    let paused = new PausedReader();
    // Where the time is over before the implementation was asked, a longer one is taken.
    for (let ms = 100; !isEntered; ms *= 2) {
      paused = new PausedReader();
      paused.begin(pair.client, post(PATH, `application/${type}`, ...time(ms)), body);
      await paused.begun;
      await pair.idle();
    }
    await left.promise;
    assert.equal(paused.isOver, false);
    const { bytes, trailer } = await paused.rest();
    const end = `${new TextDecoder().decode(bytes.slice(-300))} ${trailer.join(" ")}`;
    assert.match(end, /"code":"deadline_exceeded"|grpc-status:? 4/);
  });

  if (type === "connect+json") continue;

  Deno.test(`${served}, ${type}: an answer holds no place while its caller does not read it`, async () => {
    const unary = type === "connect+proto" ? "proto" : type;
    const pair = rpcPair((router) =>
      router.service(
        EchoService,
        { echo: () => ({ data: crypto.getRandomValues(new Uint8Array(60_000)), text: LARGE }) },
        options,
      )
    );
    await using _ = pair;
    const paused = new PausedReader();
    const fields = post(PATH.replace("Repeat", "Echo"), `application/${unary}`);
    paused.begin(pair.client, fields, unary === "proto" ? new Uint8Array() : body);
    await pair.begun();
    await pair.idle();
    assert.equal(paused.isOver, false);
    const { bytes } = await paused.rest();
    assert.ok(bytes.byteLength > LARGE.length);
  });
}

/** More than a stream takes unread. */
const LARGE = "a".repeat(3_000_000);

/** A caller that reads nothing until it is asked for the rest. */
class PausedReader implements StreamReceiver {
  readonly #bytes: Uint8Array[] = [];
  readonly #begun = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<void>();
  #trailer: HeaderList = [];
  #stream: Stream | undefined;
  #unread = 0;
  #isPaused = true;
  isOver = false;

  /** Resolves once the response has begun. */
  readonly begun = this.#begun.promise;

  begin(connection: ClientConnection, fields: HeaderList, body: Uint8Array): void {
    this.#stream = connection.open(fields, this, { endStream: false });
    this.#stream.sendData(body, true);
  }

  /** What was sent, once all of it has arrived. */
  async rest(): Promise<{ readonly bytes: Uint8Array; readonly trailer: HeaderList }> {
    this.#isPaused = false;
    this.#release();
    await this.#closed.promise;
    return { bytes: joined(this.#bytes), trailer: this.#trailer };
  }

  headers(): void {
    this.#begun.resolve();
  }

  data(bytes: Uint8Array): void {
    this.#bytes.push(bytes.slice());
    this.#unread += bytes.byteLength;
    this.#release();
  }

  trailers(fields: HeaderList): void {
    this.#trailer = fields;
  }

  closed(): void {
    this.isOver = true;
    this.#closed.resolve();
  }

  #release(): void {
    if (this.#isPaused) return;
    const unread = this.#unread;
    this.#unread = 0;
    this.#stream?.release(unread);
  }
}
