/** Messages that few bytes expand to, and what of them a worker takes at once. */
import assert from "node:assert/strict";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { EchoService } from "../support/gen/selvage/test/v1/echo_pb.ts";
import { openDispatcher, startWorker } from "./pair.ts";
import { Trust } from "./trust.ts";

const MIB = 1024 * 1024;

async function* only<Message>(message: Message) {
  yield message;
}

async function lengths(messages: AsyncIterable<{ readonly text: string }>): Promise<number[]> {
  const found: number[] = [];
  for await (const { text } of messages) found.push(text.length);
  return found;
}

for (const protocol of ["connect", "grpc", "grpc-web"] as const) {
  Deno.test(`${protocol}: what a peer's messages expand to is of its share of gatheredBytes until they are whole`, async () => {
    const trust = new Trust();
    await using worker = await startWorker(trust, {
      // A quarter is the peer's.
      limits: { gatheredBytes: 4 * MIB },
      services: (router) =>
        router.service(EchoService, {
          echo: ({ text }) => ({ text: `${text.length}` }),
          echoWithoutSideEffects: ({ text }) => ({ text: `${text.length}` }),
          collect: async (requests) => ({ text: `${await lengths(requests)}` }),
          async *converse(requests) {
            for await (const { text } of requests) yield { text: `${text.length}` };
          },
        }),
    });
    await using dispatcher = await openDispatcher(trust, worker.address);
    for (const compression of ["gzip", "br", "zstd", "deflate"] as const) {
      const echo = createClient(EchoService, dispatcher.transportFor({ protocol, compression }));
      const get = dispatcher.transportFor({ protocol, compression, useHttpGet: true });
      const kinds = [
        async (text: string) =>
          (await createClient(EchoService, get).echoWithoutSideEffects({ text })).text,
        async (text: string) => (await echo.echo({ text })).text,
        async (text: string) => (await echo.collect(only({ text }))).text,
        async (text: string) => {
          let last = "";
          for await (const answer of echo.converse(only({ text }))) last = answer.text;
          return last;
        },
      ];
      for (const call of kinds) {
        for (let round = 0; round < 3; round++) {
          await assert.rejects(call("x".repeat(2 * MIB)), (error) => {
            assert.ok(error instanceof ConnectError);
            assert.equal(error.code, Code.ResourceExhausted);
            assert.match(error.message, /too much is being received at once/);
            return true;
          });
          assert.equal(await call("x".repeat(MIB / 2)), `${MIB / 2}`);
        }
      }
    }
  });
}
