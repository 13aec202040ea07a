import assert from "node:assert/strict";
import { Code, type ConnectError } from "@connectrpc/connect";
import { descriptors, ForeignTrust, LARGE_BYTES, startEchoWorker } from "../ground.ts";
import { dispatcherClient, protocolClient } from "../our_client.ts";
import { testWithTool } from "../tool.ts";
import { go, goProgram } from "./go_program.ts";

/** Streams that are open at once on one connection. */
const STREAMS = 1_000;
/** Enough for some to be told to leave: each of eight callers may dial where there is none. */
const CONNECTIONS = 20;

testWithTool(go, "Go's net/http sends a worker requests", async (_, t) => {
  await using served = await startEchoWorker();
  await using client = await goProgram("httpclient", served.config);

  await t.step("in Connect's JSON", async () => {
    assert.deepEqual(await client.ask("unary", { text: "hello", say: "heard" }), {
      protocol: "HTTP/2.0",
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
    const streams = served.worker.connections().map(({ streams }) => streams);
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
  const trust = new ForeignTrust();
  await using server = await goProgram("httpserver", { ...trust.server(), descriptors });
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

  await t.step("in gRPC, with trailers", async () => {
    await using grpc = await protocolClient(port, trust.client(), "grpc");
    let said: string | null = null, saidLast: string | null = null;
    const { text } = await grpc.client.echo({ text: "hello" }, {
      headers: { "x-say": "heard" },
      onHeader: (fields) => said = fields.get("x-said"),
      onTrailer: (fields) => saidLast = fields.get("x-said-last"),
    });
    assert.deepEqual([text, said, saidLast], ["hello", "heard", "heard"]);
  });

  await t.step("1,000 at once", async () => {
    const calls = Array.from({ length: STREAMS }, () => client.echo({ text: "hang" }));
    await server.until("hanging", STREAMS);
    await server.ask("release");
    assert.equal((await Promise.all(calls)).length, STREAMS);
  });

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
  const trust = new ForeignTrust();
  await using server = await goProgram("httpserver", { ...trust.server(), streams: 10 });
  const port = Number((await server.until("listening")).port);
  await using ours = await dispatcherClient(port, trust.client());
  const calls = Array.from({ length: 200 }, (_, n) => ours.client.echo({ text: `${n}` }));
  const texts = (await Promise.all(calls)).map(({ text }) => text);
  assert.deepEqual(texts, Array.from({ length: 200 }, (_, n) => `${n}`));
});
