import assert from "node:assert/strict";
import { descriptors, ForeignTrust, LARGE_BYTES } from "./ground.ts";
import { dispatcherClient, type OurClient } from "./our_client.ts";
import type { Program } from "./program.ts";

/** Streams that are open at once on one connection. */
export const STREAMS = 1_000;

/** A server whose answers are written by hand, and a client of ours on it. */
export interface ServedByHand extends AsyncDisposable {
  readonly server: Program;
  readonly client: OurClient;
  readonly trust: ForeignTrust;
  readonly port: number;
}

/** Starts one, and opens a dispatcher's client on it. */
export async function serveByHand(
  start: (config: object) => Promise<Program>,
  settings: object = {},
): Promise<ServedByHand> {
  const resources = new AsyncDisposableStack();
  try {
    const trust = new ForeignTrust();
    const server = resources.use(await start({ ...trust.server(), descriptors, ...settings }));
    const port = Number((await server.until("listening"))["port"]);
    const { client } = resources.use(await dispatcherClient(port, trust.client()));
    return {
      server,
      client,
      trust,
      port,
      [Symbol.asyncDispose]: () => resources.disposeAsync(),
    };
  } catch (error) {
    await resources.disposeAsync();
    throw error;
  }
}

/** Has a client send a worker requests that it writes by hand. */
export async function testRequestsByHand(t: Deno.TestContext, client: Program): Promise<void> {
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
}

/** Has us call a server whose answers are written by hand. */
export async function testAnswersByHand(t: Deno.TestContext, served: ServedByHand): Promise<void> {
  const { server, client, trust, port } = served;

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

  await t.step("1,000 at once, on one connection", async () => {
    const calls = Array.from({ length: STREAMS }, (_, n) => client.echo({ text: `hang ${n}` }));
    await server.until("hanging", STREAMS);
    await server.ask("release");
    const texts = (await Promise.all(calls)).map(({ text }) => text);
    assert.deepEqual(texts, Array.from({ length: STREAMS }, (_, n) => `hang ${n}`));
    assert.equal(server.of("session").length, 1);
  });

  await t.step("in gRPC, with trailers", async () => {
    await using grpc = await dispatcherClient(port, trust.client(), "grpc");
    let said: string | null = null, saidLast: string | null = null;
    const { text } = await grpc.client.echo({ text: "hello" }, {
      headers: { "x-say": "heard" },
      onHeader: (fields) => said = fields.get("x-said"),
      onTrailer: (fields) => saidLast = fields.get("x-said-last"),
    });
    assert.deepEqual([text, said, saidLast], ["hello", "heard", "heard"]);
  });
}
