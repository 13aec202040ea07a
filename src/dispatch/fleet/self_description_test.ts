import assert from "node:assert/strict";
import { rpcPair } from "../../../tests/support/rpc_pair.ts";
import { WorkerService } from "../../gen/mod.ts";
import { describeSelf, type SelfDescription } from "./self_description.ts";

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
