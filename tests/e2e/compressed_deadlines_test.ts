/** Deadlines that fall while messages are compressed and decompressed, at either end. */
import assert from "node:assert/strict";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { EchoService } from "../support/gen/selvage/test/v1/echo_pb.ts";
import { Tally } from "../support/tally.ts";
import { openDispatcher, startWorker } from "./pair.ts";
import { Trust } from "./trust.ts";

/** What takes some milliseconds to compress. */
const data = Uint8Array.from({ length: 200_000 }, (_, at) => (at * 31) ^ (at >> 5));

async function* messages() {
  for (;;) yield { data };
}

async function drain(messages: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of messages);
}

for (const protocol of ["connect", "grpc"] as const) {
  for (const compression of ["gzip", "zstd"] as const) {
    Deno.test(`${protocol}, ${compression}: a deadline ends calls while their messages are compressed, at both ends`, async () => {
      const trust = new Trust();
      const running = new Tally();
      async function* counted(messages: AsyncIterable<unknown>) {
        running.add(1);
        try {
          for await (const _ of messages) yield { data };
        } finally {
          running.add(-1);
        }
      }
      await using worker = await startWorker(trust, {
        services: (router) =>
          router.service(EchoService, {
            echo: ({ text }) => ({ text, data }),
            repeat: () => counted(messages()),
            collect: async (requests) => (await drain(counted(requests)), {}),
            converse: counted,
          }),
      });
      await using dispatcher = await openDispatcher(trust, worker.address);
      const echo = createClient(EchoService, dispatcher.transportFor({ protocol, compression }));
      await echo.echo({});
      for (let timeoutMs = 2; timeoutMs < 60; timeoutMs *= 2) {
        const options = { timeoutMs };
        const calls = [
          drain(echo.repeat({}, options)),
          echo.collect(messages(), options),
          drain(echo.converse(messages(), options)),
        ];
        for (const call of await Promise.allSettled(calls)) {
          assert.ok(call.status === "rejected");
          assert.ok(call.reason instanceof ConnectError, String(call.reason));
          assert.equal(call.reason.code, Code.DeadlineExceeded);
        }
      }
      await running.until((count) => count === 0);
      do assert.equal((await echo.echo({ text: "on" })).text, "on"); while (worker.inFlight > 0);
    });
  }
}
