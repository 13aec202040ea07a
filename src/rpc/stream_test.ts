import assert from "node:assert/strict";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  beginConversation,
  type ClientLane,
  type ConversationOptions,
  ConverseRecord,
  heard,
  serveConverse,
  type StreamLane,
} from "../../tests/support/converse.ts";
import { echoFailure } from "../../tests/support/echo.ts";
import { EchoRequestSchema } from "../../tests/support/gen/selvage/test/v1/echo_pb.ts";
import { rpcPair, type RpcPairOptions } from "../../tests/support/rpc_pair.ts";
import { connectionLost, notBegun } from "./mod.ts";

interface Ways {
  readonly client: ClientLane;
  readonly server: StreamLane;
}

function* ways(): Generator<Ways> {
  for (const client of ["bytes", "messages", "plain"] as const) {
    for (const server of ["bytes", "plain"] as const) yield { client, server };
  }
}

function open(ways: Ways, server: RpcPairOptions = {}) {
  const record = new ConverseRecord();
  const pair = rpcPair((router) => serveConverse(router, ways.server, record), server);
  return {
    pair,
    record,
    begin: (options?: ConversationOptions) => beginConversation(ways.client, pair.client, options),
    [Symbol.asyncDispose]: () => pair[Symbol.asyncDispose](),
  };
}

type Bench = ReturnType<typeof open>;

/** Resolves once every admitted call was released, and its implementation has finished. */
async function idle({ pair, record }: Bench): Promise<void> {
  await pair.idle();
  await record.unfinished.until((conversations) => conversations === 0);
}

for (const way of ways()) {
  const test = (name: string, run: () => Promise<void>) =>
    Deno.test(`${way.client} to ${way.server}: ${name}`, run);

  test("messages go both ways, until each side ends its own", async () => {
    await using bench = open(way);
    const call = bench.begin();
    for (const text of ["a", "b"]) {
      call.send({ text });
      assert.equal((await call.next())?.text, text);
    }
    call.send({ text: "c", data: new Uint8Array(100_000) });
    call.end();
    assert.deepEqual(await heard(call), { texts: ["c"], error: undefined });
    assert.equal(await call.next(), undefined);
    await idle(bench);
  });

  test("a server may end before its caller does", async () => {
    await using bench = open(way);
    const call = bench.begin();
    for (const text of ["a", "enough"]) call.send({ text });
    assert.deepEqual(await heard(call), { texts: ["a"], error: undefined });
    await idle(bench);
    assert.equal(bench.pair.client.streamCount, 0);
  });

  for (const before of [[], ["a", "b"]]) {
    test(`an error after ${before.length} messages arrives with details and metadata`, async () => {
      await using bench = open(way);
      const call = bench.begin();
      for (const text of [...before, "fail"]) call.send({ text });
      const { texts, error } = await heard(call);
      assert.deepEqual(texts, before);
      const expected = echoFailure();
      assert.deepEqual([error?.code, error?.rawMessage], [expected.code, expected.rawMessage]);
      assert.equal(error?.metadata.get("x-failure"), "yes");
      assert.equal(error?.metadata.get("content-type"), "application/connect+proto");
      assert.equal(error?.findDetails(EchoRequestSchema)[0]?.count, 7);
      await idle(bench);
    });
  }

  test("what is thrown that is no ConnectError is reported as internal", async () => {
    await using bench = open(way);
    const call = bench.begin();
    call.send({ text: "throw" });
    const { error } = await heard(call);
    assert.deepEqual([error?.code, error?.rawMessage], [Code.Internal, "internal error"]);
  });

  test("a deadline reaches the implementation and the caller", async () => {
    await using bench = open(way);
    let hangs = false;
    bench.record.hanging.promise.then(() => hangs = true);
    // Where the deadline falls before the implementation reads, a longer one is taken.
    for (let timeoutMs = 100; !hangs; timeoutMs *= 2) {
      const call = bench.begin({ timeoutMs });
      call.send({ text: "hang" });
      assert.equal((await heard(call)).error?.code, Code.DeadlineExceeded);
      await idle(bench);
    }
    assert.equal(bench.record.aborted.length, 1);
    assert(bench.record.aborted[0] instanceof ConnectError);
  });

  test("a caller that cancels ends the implementation", async () => {
    await using bench = open(way);
    const call = bench.begin();
    for (const text of ["a", "hang"]) call.send({ text });
    await call.next();
    await bench.record.hanging.promise;
    call.cancel();
    assert.equal((await heard(call)).error?.code, Code.Canceled);
    await idle(bench);
    const [reason] = bench.record.aborted;
    assert(reason instanceof ConnectError);
    assert.deepEqual([reason.code, reason.rawMessage], [
      Code.Canceled,
      "the caller cancelled the call",
    ]);
  });

  test("a caller that cancels runs the finally of what waits for its reader", async () => {
    await using bench = open(way);
    const call = bench.begin();
    call.send({ text: "flood", data: new Uint8Array(10_000) });
    await call.next();
    await bench.pair.client.ping();
    call.cancel();
    await idle(bench);
    assert.equal(bench.record.finished, 1);
    assert(bench.record.flooded < 1000);
  });

  test("a slow reader slows the writer", async () => {
    await using bench = open(way);
    const call = bench.begin();
    call.send({ text: "flood", data: new Uint8Array(10_000) });
    call.end();
    let read = 0, ahead = 0;
    while (await call.next()) {
      read++;
      // The writer has a round trip of the connection between two messages.
      await bench.pair.client.ping();
      ahead = Math.max(ahead, bench.record.flooded - read);
    }
    assert.equal(read, 1000);
    assert(ahead < 200, `the writer was ${ahead} messages ahead of its reader`);
  });

  test("an implementation that stops reading stops its caller", async () => {
    await using bench = open(way);
    const call = bench.begin();
    call.send({ text: "wait" });
    for (let count = 0; count < 300; count++) call.send({ data: new Uint8Array(10_000) });
    call.end();
    await bench.record.read.until((requests) => requests === 1);
    await bench.pair.client.ping();
    assert.equal(bench.record.read.value, 1);
    bench.record.go.resolve();
    assert.equal((await heard(call)).texts.length, 301);
  });

  test("a message that is too large to receive is reported, at either end", async () => {
    await using bench = open(way, { limits: { messageBytes: 50_000 } });
    const tooMuch = bench.begin();
    tooMuch.send({ text: "a" });
    assert.equal((await tooMuch.next())?.text, "a");
    tooMuch.send({ data: new Uint8Array(60_000) });
    const { error } = await heard(tooMuch);
    assert.equal(error?.code, Code.ResourceExhausted);
    assert.match(error!.rawMessage, /^message size 600\d\d is larger than .* readMaxBytes 50000$/);
    const picky = bench.begin({ limits: { messageBytes: 1000 } });
    picky.send({ data: new Uint8Array(2000) });
    const reported = (await heard(picky)).error;
    assert.equal(reported?.code, Code.ResourceExhausted);
    assert.match(reported.rawMessage, /^message size 20\d\d is larger than .* readMaxBytes 1000$/);
    await idle(bench);
  });

  test("a message that is too large to send is reported, at either end", async () => {
    await using bench = open(way, { limits: { sendBytes: 1000 } });
    const call = bench.begin();
    for (const data of [new Uint8Array(10), new Uint8Array(2000)]) call.send({ data });
    const { texts, error } = await heard(call);
    assert.deepEqual([texts.length, error?.code], [1, Code.ResourceExhausted]);
    assert.match(error!.rawMessage, /larger than configured writeMaxBytes 1000/);
    const picky = bench.begin({ limits: { sendBytes: 100 } });
    picky.send({ data: new Uint8Array(200) });
    const reported = (await heard(picky)).error;
    assert.equal(reported?.code, Code.ResourceExhausted);
    assert.match(reported.rawMessage, /larger than configured writeMaxBytes 100/);
    await idle(bench);
  });

  test("responses are compressed for a caller that takes that", async () => {
    await using bench = open(way, { limits: { compressFromBytes: 64 } });
    for (const name of ["gzip", "br"] as const) {
      const call = bench.begin({ acceptCompression: [name] });
      for (const text of ["a".repeat(10_000), "b", "fail"]) call.send({ text });
      const { texts, error } = await heard(call);
      assert.deepEqual(texts, ["a".repeat(10_000), "b"]);
      assert.equal(error?.metadata.get("connect-content-encoding"), name);
      assert.equal(error?.findDetails(EchoRequestSchema)[0]?.count, 7);
    }
  });

  test("a call that is refused gets the reason, and nothing runs", async () => {
    const error = new ConnectError("not now", Code.ResourceExhausted, { "x-why": "full" });
    for (
      const admit of [
        () => ({ admitted: false, error }) as const,
        () => Promise.resolve({ admitted: false, error } as const),
      ]
    ) {
      await using bench = open(way, { admit });
      const call = bench.begin();
      call.send({ text: "a" });
      const { texts, error: reported } = await heard(call);
      assert.deepEqual([texts, reported?.code, reported?.rawMessage], [[], error.code, "not now"]);
      assert.equal(reported?.metadata.get("x-why"), "full");
      assert.equal(bench.record.begun, 0);
    }
  });

  test("a lost connection ends the implementation and informs the caller", async () => {
    const bench = open(way);
    const call = bench.begin();
    call.send({ text: "hang" });
    await bench.record.hanging.promise;
    bench.pair.lose();
    const { error } = await heard(call);
    assert.equal(error?.code, Code.Unavailable);
    assert.deepEqual([connectionLost(error), notBegun(error)], [true, false]);
    await idle(bench);
    assert.match(String(bench.record.aborted[0]), /the connection to the caller was lost/);
  });

  test("a connection that takes no more calls has not begun one", async () => {
    await using bench = open(way);
    bench.pair.retire();
    const call = bench.begin();
    call.send({ text: "a" });
    assert(notBegun((await heard(call)).error));
    assert.equal(bench.record.begun, 0);
  });

  test("a thousand at once keep apart", async () => {
    await using bench = open(way);
    await Promise.all(Array.from({ length: 1000 }, async (_, at) => {
      const call = bench.begin();
      for (const text of [`${at}`, `${-at}`]) call.send({ text });
      call.end();
      assert.deepEqual(await heard(call), { texts: [`${at}`, `${-at}`], error: undefined });
    }));
    await idle(bench);
    assert.equal(bench.record.finished, 1000);
  });
}
