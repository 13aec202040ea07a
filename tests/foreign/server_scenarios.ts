import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { Code, ConnectError } from "@connectrpc/connect";
import type { RpcProtocol } from "../../src/rpc/mod.ts";
import { EchoRequestSchema } from "../support/gen/selvage/test/v1/echo_pb.ts";
import { descriptors, ForeignTrust, LARGE_BYTES, type PeerPem } from "./ground.ts";
import { dispatcherClient, type OurClient } from "./our_client.ts";
import { NODE } from "./node_program.ts";
import type { Program } from "./program.ts";
import { testWithTool, type Tool } from "./tool.ts";

/** What a foreign server program is started with. */
export interface ServerConfig extends PeerPem {
  readonly descriptors: string;
  /** Streams that a client may have open at once. Default: its own default. */
  readonly streams?: number;
  /** When it asks a connection to leave. Default: never. */
  readonly leaveAfterMs?: number;
}

/** Starts a foreign server, which reports `listening` with its port. */
export type StartServer = (config: ServerConfig) => Promise<Program>;

/** What a foreign server can be asked for beside calls. */
export interface ForeignServer {
  readonly name: string;
  readonly start: StartServer;
  readonly protocol: RpcProtocol;
  /** Whether it can say GOAWAY with a last id of our choosing. Default false. */
  readonly choosesLastId?: boolean;
  /** What it takes to run it. Default: Node. */
  readonly tool?: Tool;
}

/** Streams that are open at once on one connection. */
const STREAMS = 1_000;
/** Connections that are asked to leave under our calls, and one more. */
const CONNECTIONS = 4;

/** A foreign server and a client of ours on it. */
interface Pair extends AsyncDisposable {
  readonly server: Program;
  readonly client: OurClient;
}

/** Has us make every kind of call on a foreign server, over mutual TLS. */
export function testForeignServer(foreign: ForeignServer): void {
  const { name, choosesLastId = false, tool = NODE } = foreign;
  const open = (settings: Partial<ServerConfig> = {}) => openPair(foreign, settings);

  testWithTool(tool, `${name} serves our calls`, async (_, t) => {
    await using pair = await open();
    const { client, server } = pair;

    await t.step("answers with headers and trailers", async () => {
      let said: string | null = null, saidLast: string | null = null;
      const response = await client.echo({ text: "hello" }, {
        headers: { "x-say": "heard" },
        onHeader: (fields) => said = fields.get("x-said"),
        onTrailer: (fields) => saidLast = fields.get("x-said-last"),
      });
      assert.deepEqual([response.text, said, saidLast], ["hello", "heard", "heard"]);
    });

    await t.step("gives 16 MiB back", async () => {
      const data = pattern(LARGE_BYTES);
      const response = await client.echo({ text: "large", data });
      assert.ok(same(response.data, data));
    });

    await t.step("gives an error with code, message, metadata and details", async () => {
      const error = await failureOf(client.echo({ text: "fail" }));
      assert.deepEqual([error.code, error.rawMessage], [
        Code.FailedPrecondition,
        "asked to fail, 100% \u2013 sorry",
      ]);
      const { metadata } = error;
      assert.deepEqual([metadata.get("x-failure"), metadata.get("x-failure-bin")], ["yes", "AAEC"]);
      const details = error.findDetails(EchoRequestSchema);
      assert.deepEqual(details.map(({ text, count }) => [text, count]), [["a detail", 7]]);
    });

    await t.step("streams to us, to the trailers", async () => {
      const data = pattern(1_000);
      let items = 0, saidLast: string | null = null;
      const responses = client.repeat({ text: "again", data, count: 200 }, {
        headers: { "x-say": "so" },
        onTrailer: (fields) => saidLast = fields.get("x-said-last"),
      });
      for await (const response of responses) {
        if (response.index === items && same(response.data, data)) items++;
      }
      assert.deepEqual([items, saidLast], [200, "so"]);
    });

    await t.step("streams 16 MiB messages to us", async () => {
      const data = pattern(LARGE_BYTES);
      let items = 0;
      for await (const response of client.repeat({ text: "large", data, count: 2 })) {
        if (same(response.data, data)) items++;
      }
      assert.equal(items, 2);
    });

    await t.step("streams to us up to its error", async () => {
      let items = 0;
      const error = await failureOf((async () => {
        for await (const _ of client.repeat({ text: "fail", count: 3 })) items++;
      })());
      const details = error.findDetails(EchoRequestSchema);
      assert.deepEqual([items, error.code, details.length], [3, Code.FailedPrecondition, 1]);
    });

    await t.step("reads a stream of ours", async () => {
      const texts = Array.from({ length: 100 }, (_, n) => `part-${n}`);
      const { text } = await client.collect(each(texts));
      assert.equal(text, texts.join(" "));
    });

    await t.step("answers before a stream of ours has ended", async () => {
      const { text } = await client.collect(each(["this", "is", "enough"]));
      assert.equal(text, "this is enough");
    });

    await t.step("listens and speaks in turn", async () => {
      const heard = await converse(client, Array.from({ length: 50 }, (_, n) => `turn-${n}`));
      assert.deepEqual(heard, Array.from({ length: 50 }, (_, n) => `${n} turn-${n}`));
    });

    await t.step("is informed of our deadline", async () => {
      const stops = server.of("stopped").length;
      // Long enough for the call to begin on a busy machine.
      const error = await failureOf(client.echo({ text: "hang" }, { timeoutMs: 2_000 }));
      assert.equal(error.code, Code.DeadlineExceeded);
      await server.until("stopped", stops + 1);
    });

    await t.step("is informed of our cancellation", async () => {
      const stops = server.of("stopped").length;
      const hangs = server.of("hanging").length;
      const abort = new AbortController();
      const failure = failureOf(client.echo({ text: "hang" }, { signal: abort.signal }));
      await server.until("hanging", hangs + 1);
      abort.abort();
      assert.equal((await failure).code, Code.Canceled);
      await server.until("stopped", stops + 1);
    });

    await t.step("holds 1,000 streams of ours", async () => {
      assert.equal(await holdStreams(client, STREAMS), STREAMS);
    });

    await t.step("finishes what is in flight when it says GOAWAY", async () => {
      const before = server.of("hanging").length;
      const calls = Array.from({ length: 20 }, (_, n) => client.echo({ text: `hang ${n}` }));
      await server.until("hanging", before + 20);
      await server.ask("leave");
      const late = client.echo({ text: "late" });
      assert.equal((await late).text, "late");
      await server.ask("release");
      const texts = (await Promise.all(calls)).map(({ text }) => text);
      assert.deepEqual(texts, Array.from({ length: 20 }, (_, n) => `hang ${n}`));
      assert.equal(server.of("hanging").length, before + 20);
    });
  });

  testWithTool(tool, `${name} gets no more streams at once than it allows`, async () => {
    await using pair = await open({ streams: 10 });
    const calls = Array.from({ length: 200 }, (_, n) => pair.client.echo({ text: `${n}` }));
    const texts = (await Promise.all(calls)).map(({ text }) => text);
    assert.deepEqual(texts, Array.from({ length: 200 }, (_, n) => `${n}`));
  });

  testWithTool(
    tool,
    `${name} loses no call of ours while it asks connections to leave`,
    async () => {
      await using pair = await open({ leaveAfterMs: 200 });
      const { server, client } = pair;
      let over = false;
      const enough = server.until("session", CONNECTIONS).finally(() => over = true);
      let calls = 0;
      const caller = async () => {
        while (!over) {
          const text = `${calls++}`;
          assert.equal((await client.echo({ text })).text, text);
        }
      };
      await Promise.all([enough, ...Array.from({ length: 8 }, caller)]);
      assert.ok(calls >= CONNECTIONS, `${calls} calls were made`);
    },
  );

  if (choosesLastId) {
    testWithTool(
      tool,
      `${name} gets calls above the last id of its GOAWAY anew, and no others`,
      async () => {
        await using pair = await open();
        const { server, client } = pair;
        const expected = Array.from({ length: 20 }, (_, n) => `hang ${n}`);
        const calls = expected.map((text) => client.echo({ text }));
        await server.until("hanging", 20);
        await server.ask("goaway", { kept: 10 });
        await server.until("hanging", 30);
        await server.ask("release");
        assert.deepEqual((await Promise.all(calls)).map(({ text }) => text), expected);
        const begun = server.of("hanging").map(({ text }) => text);
        assert.deepEqual(begun.slice(20).toSorted(), expected.slice(10).toSorted());
      },
    );
  }
}

async function openPair(
  { start, protocol }: ForeignServer,
  settings: Partial<ServerConfig>,
): Promise<Pair> {
  const trust = new ForeignTrust();
  const resources = new AsyncDisposableStack();
  try {
    const server = resources.use(await start({ ...trust.server(), descriptors, ...settings }));
    const port = Number((await server.until("listening"))["port"]);
    const { client } = resources.use(
      await dispatcherClient(port, trust.client(), protocol),
    );
    return {
      server,
      client,
      async [Symbol.asyncDispose]() {
        // A server that was made to say GOAWAY by hand does not close its side of the connection.
        await server[Symbol.asyncDispose]();
        await resources.disposeAsync();
      },
    };
  } catch (error) {
    await resources.disposeAsync();
    throw error;
  }
}

async function failureOf(call: Promise<unknown>): Promise<ConnectError> {
  try {
    await call;
  } catch (error) {
    return ConnectError.from(error);
  }
  throw new Error("the call succeeded");
}

async function* each(texts: readonly string[]): AsyncGenerator<{ text: string }> {
  for (const text of texts) yield { text };
}

/** Says each text once the one before was answered; gives the answers. */
async function converse(client: OurClient, texts: readonly string[]): Promise<string[]> {
  const heard: string[] = [];
  let answered = Promise.withResolvers<void>();
  async function* requests() {
    for (const text of texts) {
      yield { text };
      await answered.promise;
      answered = Promise.withResolvers();
    }
  }
  for await (const { index, text } of client.converse(requests())) {
    heard.push(`${index} ${text}`);
    answered.resolve();
  }
  return heard;
}

/** Opens streams and ends none before all are answered; gives how many ended as they should. */
async function holdStreams(client: OurClient, count: number): Promise<number> {
  const allAnswered = Promise.withResolvers<void>();
  let answered = 0;
  async function hold(n: number): Promise<boolean> {
    async function* requests() {
      yield { text: `first ${n}` };
      await allAnswered.promise;
      yield { text: `second ${n}` };
    }
    const texts: string[] = [];
    for await (const { text } of client.converse(requests())) {
      texts.push(text);
      if (texts.length === 1 && ++answered === count) allAnswered.resolve();
    }
    return texts.join() === `first ${n},second ${n}`;
  }
  const ended = await Promise.all(Array.from({ length: count }, (_, n) => hold(n)));
  return ended.filter((right) => right).length;
}

/** Bytes that show whether they arrived as they were. */
function pattern(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = at * 31;
  return bytes;
}

function same(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}
