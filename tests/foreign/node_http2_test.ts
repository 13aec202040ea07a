import assert from "node:assert/strict";
import { Code, type ConnectError } from "@connectrpc/connect";
import { serveByHand, STREAMS, testAnswersByHand, testRequestsByHand } from "./by_hand.ts";
import { startEchoWorker } from "./ground.ts";
import { nodeProgram } from "./node_program.ts";

const startServer = (config: object) => nodeProgram("http2_server.mjs", config);

Deno.test("node:http2 sends a worker requests", async (t) => {
  await using served = await startEchoWorker();
  await using client = await nodeProgram("http2_client.mjs", served.config);
  assert.equal((await client.until("connect"))["alpn"], "h2");

  await testRequestsByHand(t, client);

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
    assert.deepEqual([first?.["code"], first?.["last"], second?.["code"]], [0, 2 ** 31 - 1, 0]);
    assert.ok(Number(second?.["last"]) > 2 * STREAMS && Number(second?.["last"]) < 2 ** 31 - 1);
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
  await using served = await serveByHand(startServer);
  const { server, client } = served;
  await testAnswersByHand(t, served);

  await t.step("while it pings us", async () => {
    await server.ask("ping");
  });

  await t.step("that we cancel", async () => {
    const before = server.of("hanging").length;
    const abort = new AbortController();
    const call = client.echo({ text: "hang" }, { signal: abort.signal });
    call.catch(() => {});
    await server.until("hanging", before + 1);
    abort.abort();
    await assert.rejects(call, (error: ConnectError) => error.code === Code.Canceled);
    await server.until("cancelled");
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
  await using served = await serveByHand(startServer, { streams: 3 });
  const { server, client } = served;
  const calls = Array.from({ length: 10 }, (_, n) => client.echo({ text: `hang ${n}` }));
  for (const begun of [3, 6, 9, 10]) {
    await server.until("hanging", begun);
    await server.ask("ping");
    assert.equal(server.of("hanging").length, begun);
    await server.ask("release");
  }
  const texts = (await Promise.all(calls)).map(({ text }) => text);
  assert.deepEqual(texts, Array.from({ length: 10 }, (_, n) => `hang ${n}`));
});
