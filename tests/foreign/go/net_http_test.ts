import assert from "node:assert/strict";
import { Code, type ConnectError } from "@connectrpc/connect";
import { serveByHand, STREAMS, testAnswersByHand, testRequestsByHand } from "../by_hand.ts";
import { startEchoWorker } from "../ground.ts";
import { testWithTool } from "../tool.ts";
import { go, goProgram } from "./go_program.ts";

const startServer = (config: object) => goProgram("httpserver", config);
/** Enough for some to be asked to leave: each of eight callers may dial where there is none. */
const CONNECTIONS = 20;

testWithTool(go, "Go's net/http sends a worker requests", async (_, t) => {
  await using served = await startEchoWorker();
  await using client = await goProgram("httpclient", served.config);

  await testRequestsByHand(t, client);

  await t.step("that it cancels", async () => {
    const hangs = served.hanging();
    const stopped = served.stopped();
    const cancelled = client.ask("hang");
    await hangs;
    await client.ask("cancel");
    assert.equal(await cancelled, true);
    await stopped;
  });

  await t.step("1,000 at once", async () => {
    assert.equal(await client.ask("hold", { count: STREAMS }), STREAMS);
    const streams = served.worker.peers().map(({ calls }) => calls);
    assert.deepEqual(streams.filter((count) => count > 0), [STREAMS]);
    assert.equal(await client.ask("finish"), STREAMS);
  });

  await t.step("that finish when the worker says GOAWAY", async () => {
    assert.equal(await client.ask("hold", { count: 20 }), 20);
    const drained = served.worker.drain({ graceMs: 10_000 });
    assert.equal(await client.ask("finish"), 20);
    await drained;
  });
});

testWithTool(go, "Go's net/http loses no call while a worker's connections age", async () => {
  await using served = await startEchoWorker({ limits: { connectionAgeMs: 200 } });
  using events = served.worker.events();
  await using client = await goProgram("httpclient", served.config);
  const load = client.ask<{ calls: number; failures: string[] }>("load", { callers: 8 });
  let connections = 0;
  for await (const { type } of events) {
    if (type === "peer.accepted" && ++connections === CONNECTIONS) break;
  }
  await client.ask("stop");
  const { calls, failures } = await load;
  assert.deepEqual(failures, []);
  assert.equal(served.record.begun, calls);
});

testWithTool(go, "Go's net/http serves our calls", async (_, t) => {
  await using served = await serveByHand(startServer);
  const { server, client } = served;
  await testAnswersByHand(t, served);

  await t.step("that we cancel", async () => {
    const before = server.of("hanging").length;
    const abort = new AbortController();
    const call = client.echo({ text: "hang" }, { signal: abort.signal });
    call.catch(() => {});
    await server.until("hanging", before + 1);
    abort.abort();
    await assert.rejects(call, (error: ConnectError) => error.code === Code.Canceled);
    await server.until("stopped");
  });

  await t.step("and finishes what is in flight when it says GOAWAY", async () => {
    const before = server.of("hanging").length;
    const calls = Array.from({ length: 20 }, (_, n) => client.echo({ text: `hang ${n}` }));
    await server.until("hanging", before + 20);
    await server.ask("leave");
    assert.equal((await client.echo({ text: "late" })).text, "late");
    await server.ask("release");
    const texts = (await Promise.all(calls)).map(({ text }) => text);
    assert.deepEqual(texts, Array.from({ length: 20 }, (_, n) => `hang ${n}`));
    assert.equal(server.of("hanging").length, before + 20);
  });
});

testWithTool(go, "Go's net/http gets no more of our streams at once than it allows", async () => {
  await using served = await serveByHand(startServer, { streams: 10 });
  const calls = Array.from({ length: 200 }, (_, n) => served.client.echo({ text: `${n}` }));
  const texts = (await Promise.all(calls)).map(({ text }) => text);
  assert.deepEqual(texts, Array.from({ length: 200 }, (_, n) => `${n}`));
});
