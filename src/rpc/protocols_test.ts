import assert from "node:assert/strict";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { echoFailure, echoService, throughPlainPath } from "../../tests/support/echo.ts";
import { EchoRequestSchema, EchoService } from "../../tests/support/gen/selvage/test/v1/echo_pb.ts";
import { rpcPair } from "../../tests/support/rpc_pair.ts";
import { type CompressionName, createTransport, type RpcProtocol } from "./mod.ts";

interface Way {
  readonly protocol: RpcProtocol;
  readonly format: "binary" | "json";
  readonly compression: CompressionName | undefined;
  /** Where the fast path is kept off. */
  readonly plain: "nowhere" | "client" | "server" | "both";
}

function* ways(): Generator<Way> {
  for (const protocol of ["connect", "grpc", "grpc-web"] as const) {
    for (const format of ["binary", "json"] as const) {
      for (const compression of [undefined, "gzip", "br"] as const) {
        const hasFastLane = protocol !== "grpc-web" && format === "binary" && !compression;
        const plain = hasFastLane
          ? ["nowhere", "client", "server", "both"] as const
          : ["both"] as const;
        for (const where of plain) yield { protocol, format, compression, plain: where };
      }
    }
  }
}

function open(way: Way) {
  const pair = rpcPair((router) => {
    const plain = way.plain === "server" || way.plain === "both";
    router.service(
      EchoService,
      echoService(),
      plain ? { interceptors: [throughPlainPath] } : undefined,
    );
  }, { limits: { compressFromBytes: 64 } });
  const plain = way.plain === "client" || way.plain === "both";
  const client = createClient(
    EchoService,
    createTransport({
      connection: pair.client,
      protocol: way.protocol,
      format: way.format,
      limits: { compressFromBytes: 64 },
      ...(way.compression === undefined ? {} : { compression: way.compression }),
      ...(plain ? { interceptors: [throughPlainPath] } : {}),
    }),
  );
  return { pair, client };
}

for (const way of ways()) {
  const { protocol, format, compression = "no compression", plain } = way;
  const name = `${protocol}, ${format}, ${compression}, plain path at ${plain}`;

  Deno.test(`${name}: a unary call carries message and metadata both ways`, async () => {
    const { pair, client } = open(way);
    await using _ = pair;
    const data = new Uint8Array(100_000).fill(7);
    let header = "", trailer = "";
    const response = await client.echo({ text: "hello", data }, {
      headers: { "x-say": "aye" },
      onHeader: (headers) => header = headers.get("x-said") ?? "",
      onTrailer: (headers) => trailer = headers.get("x-said-last") ?? "",
    });
    assert.equal(response.text, "hello");
    assert.deepEqual(response.data, data);
    assert.deepEqual([header, trailer], ["aye", "aye"]);
    assert.equal(pair.running(), 0);
  });

  Deno.test(`${name}: an empty message is a message`, async () => {
    const { pair, client } = open(way);
    await using _ = pair;
    assert.equal((await client.echo({})).text, "");
  });

  Deno.test(`${name}: an error keeps code, message, metadata and details`, async () => {
    const { pair, client } = open(way);
    await using _ = pair;
    const error = await client.echo({ text: "fail" }, { headers: { "x-say": "aye" } })
      .then(() => assert.fail("it did not fail"), (error) => error);
    assert(error instanceof ConnectError);
    const expected = echoFailure();
    assert.equal(error.code, expected.code);
    assert.equal(error.rawMessage, expected.rawMessage);
    assert.equal(error.metadata.get("x-failure"), "yes");
    assert.equal(error.metadata.get("x-failure-bin"), "AAEC");
    assert.equal(error.metadata.get("x-said"), "aye");
    assert.equal(error.metadata.get("x-said-last"), "aye");
    const [detail] = error.findDetails(EchoRequestSchema);
    assert.deepEqual([detail?.text, detail?.count], ["a detail", 7]);
    assert.equal(pair.running(), 0);
  });

  Deno.test(`${name}: what is no ConnectError stays within the server`, async () => {
    const { pair, client } = open(way);
    await using _ = pair;
    const error = await client.echo({ text: "throw" })
      .then(() => assert.fail("it did not fail"), (error) => error);
    assert.equal(error.code, Code.Internal);
    assert.equal(error.rawMessage, "internal error");
  });

  Deno.test(`${name}: a method of a service that is not implemented says so`, async () => {
    const pair = rpcPair((router) => router.service(EchoService, {}));
    await using _ = pair;
    const client = createClient(
      EchoService,
      createTransport({ connection: pair.client, protocol, format }),
    );
    await assert.rejects(client.echo({}), { code: Code.Unimplemented });
  });

  Deno.test(`${name}: a server stream carries every message and its trailers`, async () => {
    const { pair, client } = open(way);
    await using _ = pair;
    const data = new Uint8Array(1000).fill(7);
    const indices: number[] = [];
    let trailer = "";
    const responses = client.repeat({ text: "hello", data, count: 200 }, {
      headers: { "x-say": "aye" },
      onTrailer: (headers) => trailer = headers.get("x-said-last") ?? "",
    });
    for await (const response of responses) indices.push(response.index);
    assert.deepEqual(indices, [...Array(200).keys()]);
    assert.equal(trailer, "aye");
  });

  Deno.test(`${name}: a stream that fails gives its messages first`, async () => {
    const { pair, client } = open(way);
    await using _ = pair;
    let received = 0;
    await assert.rejects(
      async () => {
        for await (const _ of client.repeat({ text: "fail", count: 3 })) received++;
      },
      { code: Code.FailedPrecondition },
    );
    assert.equal(received, 3);
  });

  Deno.test(`${name}: a client stream is collected`, async () => {
    const { pair, client } = open(way);
    await using _ = pair;
    async function* requests() {
      for (const text of ["a", "b", "c"]) yield { text };
    }
    assert.equal((await client.collect(requests())).text, "a b c");
  });

  Deno.test(`${name}: a client stream may be answered before it ends`, async () => {
    const { pair, client } = open(way);
    await using _ = pair;
    const goOn = Promise.withResolvers<void>();
    async function* requests() {
      yield { text: "enough" };
      await goOn.promise;
    }
    assert.equal((await client.collect(requests())).text, "enough");
    goOn.resolve();
  });

  Deno.test(`${name}: a conversation goes back and forth`, async () => {
    const { pair, client } = open(way);
    await using _ = pair;
    const answered: (() => void)[] = [];
    const waits = ["a", "b", "c"].map((text) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      answered.push(resolve);
      return { text, promise };
    });
    async function* requests() {
      for (const { text, promise } of waits) {
        yield { text };
        await promise;
      }
    }
    const texts: string[] = [];
    for await (const response of client.converse(requests())) {
      texts.push(response.text);
      answered[response.index]?.();
    }
    assert.deepEqual(texts, ["a", "b", "c"]);
  });
}
