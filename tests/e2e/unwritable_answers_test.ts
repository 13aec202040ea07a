/** An answer that an implementation gave, and that cannot be sent, is a call that failed, at both ends. */
import assert from "node:assert/strict";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import type { EventStream } from "../../src/observe/mod.ts";
import { inMemory } from "../../src/testing/mod.ts";
import { throughPlainPath } from "../support/echo.ts";
import { EchoService } from "../support/gen/selvage/test/v1/echo_pb.ts";

const SERVICE = EchoService.typeName;
const OUT_OF_RANGE = { index: -1 };

/** What was reported of the calls until the one that fails on purpose. */
async function failures(events: EventStream): Promise<string[]> {
  const seen: string[] = [];
  for await (const event of events) {
    if (event.type !== "call.failed") continue;
    if (event.routine === `${SERVICE}/EchoWithoutSideEffects`) return seen;
    seen.push(`${event.routine} ${event.outcome}`);
  }
  throw new Error("the events have ended");
}

async function open(path: "fast path" | "plain path") {
  return await inMemory({
    as: "spiffe://example.org/client/a",
    services: (router) =>
      router.service(EchoService, {
        echo: () => OUT_OF_RANGE,
        collect: async (requests) => {
          for await (const _ of requests);
          return OUT_OF_RANGE;
        },
        echoWithoutSideEffects: () => Promise.reject(new ConnectError("no", Code.NotFound)),
      }, path === "plain path" ? { interceptors: [throughPlainPath] } : undefined),
  });
}

for (const path of ["fast path", "plain path"] as const) {
  for (const protocol of ["connect", "grpc", "grpc-web"] as const) {
    Deno.test(`${path}, ${protocol}: a service's answer that cannot be written is recorded as a failure`, async () => {
      await using bench = await open(path);
      using events = bench.worker.events();
      const echo = createClient(EchoService, bench.dispatcher.transportFor({ protocol }));
      async function* none() {}
      await assert.rejects(echo.echo({}), { code: Code.Internal });
      await assert.rejects(echo.collect(none()), { code: Code.Internal });
      await assert.rejects(echo.echoWithoutSideEffects({}), { code: Code.NotFound });
      assert.deepEqual(await failures(events), [
        `${SERVICE}/Echo internal`,
        `${SERVICE}/Collect internal`,
      ]);
    });
  }
}
