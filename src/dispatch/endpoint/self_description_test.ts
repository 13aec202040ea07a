import assert from "node:assert/strict";
import { rpcPair } from "../../../tests/support/rpc_pair.ts";
import { WorkerService } from "../../gen/mod.ts";
import { describeSelf, EarlyDescription, type SelfDescription } from "./self_description.ts";

/** What is kept of the description of a worker with so many services. */
async function described(services: number): Promise<SelfDescription> {
  const answer = {
    workerId: "w",
    tags: ["gpu"],
    services: Array.from({ length: services }, (_, at) => `service-${at}`),
  };
  await using pair = rpcPair((router) => router.service(WorkerService, { describe: () => answer }));
  return await describeSelf(pair.client, new AbortController().signal);
}

Deno.test("a worker's description is kept without a list that is too long, and not read where it is huge", async () => {
  const known = { id: "w", tags: ["gpu"], ignoresTokens: false };
  assert.deepEqual(await described(2), { ...known, serves: "service-0\nservice-1" });
  assert.deepEqual(await described(8_000), known);
  assert.deepEqual(await described(40_000), {});
});

Deno.test("a description is that of the answer, whatever was answered before in as many bytes", async () => {
  let tags = ["gpu", "eu"];
  const describe = () => ({ workerId: "w", tags });
  await using pair = rpcPair((router) => router.service(WorkerService, { describe }));
  const { signal } = new AbortController();
  for (tags of [["gpu", "eu"], ["cpu", "eu"], ["gpu", "eu"], ["gpu", "us"]]) {
    assert.deepEqual((await describeSelf(pair.client, signal)).tags, tags);
  }
});

Deno.test("a description asked for early is lost where the time for it is over before the worker accepts", async () => {
  const { signal } = new AbortController();
  let silent = true;
  const describe = () => silent ? new Promise<never>(() => {}) : { workerId: "w" };
  await using pair = rpcPair((router) => router.service(WorkerService, { describe }));
  const late = new EarlyDescription(pair.client, signal, 1);
  assert.deepEqual(await late.accepted(), {});
  assert.equal(late.accepted(), undefined);
  silent = false;
  const timely = new EarlyDescription(pair.client, signal);
  assert.equal((await timely.accepted())?.id, "w");
  assert.equal((await timely.accepted())?.id, "w");
});
