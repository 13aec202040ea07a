/** Loops over a call's input that run beside what answers it, and that nothing awaits. */
import assert from "node:assert/strict";
import { createClient } from "@connectrpc/connect";
import { duplexRoutine } from "../../src/contract/mod.ts";
import { openDispatcher, startWorker } from "./pair.ts";
import { throughPlainPath } from "../support/echo.ts";
import { EchoService } from "../support/gen/selvage/test/v1/echo_pb.ts";
import * as routines from "./routines.ts";
import { Trust } from "./trust.ts";

const trust = new Trust();

/** What a loop that nothing awaits has read, and what it ended with. */
let beside = Promise.withResolvers<unknown>();

async function read(input: AsyncIterable<unknown>): Promise<void> {
  try {
    for await (const _ of input);
    beside.resolve("the end");
  } catch (error) {
    beside.resolve(error);
    throw error;
  }
}

const readsBeside = duplexRoutine(
  "beside.reads",
  async function* (input: AsyncIterable<number>) {
    void read(input);
    yield "begun";
    await new Promise(() => {});
  },
);

async function* unending<Item>(item: Item) {
  yield item;
  await new Promise(() => {});
}

Deno.test("a caller that leaves ends no process by a loop over its input that runs beside the routine", async () => {
  await using worker = await startWorker(trust, { routines: { ...routines, readsBeside } });
  await using dispatcher = await openDispatcher(trust, worker.address);
  beside = Promise.withResolvers();
  for await (const _ of dispatcher.duplex(readsBeside, unending(1), [])) break;
  assert.equal((await beside.promise as Error).name, "AbortError");
  assert.equal(await dispatcher.call(routines.add, [1, 2]), 3);
});

for (const path of ["fast", "plain"]) {
  Deno.test(`a caller that leaves ends no process by a loop over the requests of a service on the ${path} path`, async () => {
    await using worker = await startWorker(trust, {
      routines,
      services: (router) => {
        router.service(EchoService, {
          converse: async function* (requests) {
            void read(requests);
            yield { text: "begun" };
            await new Promise(() => {});
          },
        }, path === "plain" ? { interceptors: [throughPlainPath] } : undefined);
      },
    });
    await using dispatcher = await openDispatcher(trust, worker.address);
    beside = Promise.withResolvers();
    const cancel = new AbortController();
    const requests = unending({ text: "a" });
    const client = createClient(EchoService, dispatcher.transport);
    const answers = client.converse(requests, { signal: cancel.signal });
    await answers[Symbol.asyncIterator]().next();
    cancel.abort();
    assert((await beside.promise) instanceof Error);
    assert.equal(await dispatcher.call(routines.add, [1, 2]), 3);
  });
}
