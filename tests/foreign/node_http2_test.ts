import assert from "node:assert/strict";
import { Code, type ConnectError } from "@connectrpc/connect";
import { descriptors, ForeignTrust, LARGE_BYTES, startEchoWorker } from "./ground.ts";
import { nodeProgram } from "./node_program.ts";
import { dispatcherClient } from "./our_client.ts";

/** Streams that are open at once on one connection. */
const STREAMS = 1_000;

Deno.test("node:http2 sends a worker requests", async (t) => {
  await using served = await startEchoWorker();
  await using client = await nodeProgram("http2_client.mjs", served.config);
  assert.equal((await client.until("connect")).alpn, "h2");

  await t.step("in Connect's JSON", async () => {
    assert.deepEqual(await client.ask("unary", { text: "hello", say: "heard" }), {
      status: 200,
      said: "heard",
      saidLast: "heard",
      body: { text: "hello" },
    });
  });

  await t.step("in gRPC, answered with trailers", async () => {
    assert.deepEqual(await client.ask("grpc", { text: "hello", say: "heard" }), {
      status: 200,
      said: "heard",
      grpcStatus: "0",
      saidLast: "heard",
      same: true,
    });
  });

  await t.step("of 16 MiB", async () => {
    assert.equal(await client.ask("large", { bytes: LARGE_BYTES }), true);
  });

  await t.step("for what is not served", async () => {
    const { status } = await client.ask<{ status: number }>("missing");
    assert.equal(status, 404);
  });

  await t.step("that it cancels", async () => {
    const hangs = served.hanging();
    const stopped = served.stopped();
    await client.ask("cancel");
    await hangs;
    await client.ask("reset");
    await stopped;
  });

  await t.step("1,000 at once, and pings between them", async () => {
    assert.equal(await client.ask("hold", { count: STREAMS }), STREAMS);
    assert.ok(await client.ask<number>("ping") > 0);
    assert.equal(await client.ask("finish"), STREAMS);
  });

  await t.step("that finish when the worker says GOAWAY, in two steps", async () => {
    assert.equal(await client.ask("hold", { count: 20 }), 20);
    const drained = served.worker.drain({ graceMs: 10_000 });
    await client.until("goaway", 2);
    assert.equal(await client.ask("finish"), 20);
    await drained;
    await client.until("close");
    const [first, second] = client.of("goaway");
    assert.deepEqual([first?.code, first?.last, second?.code], [0, 2 ** 31 - 1, 0]);
    assert.ok(Number(second?.last) > 2 * STREAMS && Number(second?.last) < 2 ** 31 - 1);
    assert.deepEqual(client.of("error"), []);
  });
});

Deno.test("node:http2 leaves a worker with GOAWAY and loses nothing in flight", async () => {
  await using served = await startEchoWorker();
  await using client = await nodeProgram("http2_client.mjs", served.config);
  assert.equal(await client.ask("hold", { count: 20 }), 20);
  await client.ask("leave");
  assert.equal(await client.ask("finish"), 20);
  await client.until("close");
  assert.deepEqual(client.of("error"), []);
});

Deno.test("node:http2 serves our calls", async (t) => {
  const trust = new ForeignTrust();
  await using server = await nodeProgram("http2_server.mjs", { ...trust.server(), descriptors });
  const port = Number((await server.until("listening")).port);
  await using ours = await dispatcherClient(port, trust.client());
  const { client } = ours;

  await t.step("unary ones of 16 MiB", async () => {
    const data = new Uint8Array(LARGE_BYTES).fill(7);
    const response = await client.echo({ text: "large", data });
    assert.deepEqual([response.text, response.data.length], ["large", LARGE_BYTES]);
  });

  await t.step("with streams both ways", async () => {
    async function* requests() {
      for (let n = 0; n < 100; n++) yield { text: `${n}` };
    }
    const texts = (await Array.fromAsync(client.converse(requests()))).map(({ text }) => text);
    assert.deepEqual(texts, Array.from({ length: 100 }, (_, n) => `${n}`));
  });

  await t.step("while it pings us", async () => {
    await server.ask("ping");
  });

  await t.step("that we cancel", async () => {
    const closed = server.of("closed").length;
    const abort = new AbortController();
    const call = client.echo({ text: "hang" }, { signal: abort.signal });
    call.catch(() => {});
    await server.until("hanging");
    abort.abort();
    await assert.rejects(call, (error: ConnectError) => error.code === Code.Canceled);
    assert.equal((await server.until("closed", closed + 1)).code, 8);
  });

  await t.step("and gets those above the last id of its GOAWAY anew", async () => {
    const before = server.of("hanging").length;
    const calls = Array.from({ length: 20 }, () => client.echo({ text: "hang" }));
    await server.until("hanging", before + 20);
    await server.ask("goaway", { kept: 10 });
    await server.until("hanging", before + 30);
    await server.ask("release");
    await Promise.all(calls);
    assert.equal(server.of("hanging").length, before + 30);
  });

  await t.step("and loses those that may have begun when it goes without a word", async () => {
    const before = server.of("hanging").length;
    const call = client.echo({ text: "hang" });
    call.catch(() => {});
    await server.until("hanging", before + 1);
    await server.ask("destroy");
    await assert.rejects(call, (error: ConnectError) => error.code === Code.Unavailable);
    assert.equal(server.of("hanging").length, before + 1);
    assert.equal((await client.echo({ text: "again" })).text, "again");
  });
});

Deno.test("node:http2 gets no more of our streams at once than it allows", async () => {
  const trust = new ForeignTrust();
  await using server = await nodeProgram("http2_server.mjs", { ...trust.server(), streams: 3 });
  const port = Number((await server.until("listening")).port);
  await using ours = await dispatcherClient(port, trust.client());
  const calls = Array.from({ length: 10 }, (_, n) => ours.client.echo({ text: `hang ${n}` }));
  for (const begun of [3, 6, 9, 10]) {
    await server.until("hanging", begun);
    await server.ask("ping");
    assert.equal(server.of("hanging").length, begun);
    await server.ask("release");
  }
  const texts = (await Promise.all(calls)).map(({ text }) => text);
  assert.deepEqual(texts, Array.from({ length: 10 }, (_, n) => `hang ${n}`));
});
