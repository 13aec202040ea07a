/** Peers of the next and of the former minor version: what only they know, or do not know yet, costs no call. */
import assert from "node:assert/strict";
import { create, type UnknownField } from "@bufbuild/protobuf";
import { createClient, type ServiceImpl } from "@connectrpc/connect";
import { listenInMemory } from "../../src/channel/mod.ts";
import { routine } from "../../src/contract/mod.ts";
import { memoryDiscovery } from "../../src/discovery/mod.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import {
  DescribeResponseSchema,
  ItemSchema,
  PayloadSchema,
  type RoutineShape,
  WorkerService,
} from "../../src/gen/mod.ts";
import { openServerConnection } from "../../src/http2/mod.ts";
import { createRequestHandler, createRpcRouter } from "../../src/rpc/mod.ts";
import { WorkerServer } from "../../src/worker/mod.ts";

const { signal } = new AbortController();
const add = routine("skew.add", (a: number, b: number) => a + b);
const count = routine("skew.count", async function* (to: number) {
  for (let n = 1; n <= to; n++) yield await Promise.resolve(n);
});

/** Fields that no message has yet: of each wire type one. */
const $unknown: UnknownField[] = [
  { no: 500, wireType: 0, data: new Uint8Array([7]) },
  { no: 501, wireType: 1, data: new Uint8Array(8) },
  { no: 502, wireType: 2, data: new Uint8Array([3, 1, 2, 3]) },
  { no: 503, wireType: 5, data: new Uint8Array(4) },
];
const json = (value: unknown) =>
  create(PayloadSchema, { encoding: { case: "json", value: JSON.stringify(value) } });

Deno.test("a worker serves callers of a newer and of an older minor version", async () => {
  await using worker = await WorkerServer.start({ routines: [add, count] });
  await using dispatcher = await Dispatcher.open({ discovery: `static:${worker.address}` });
  const raw = createClient(WorkerService, dispatcher.transport);
  const older = await raw.call({ routine: "skew.add", arguments: json([1, 2]) });
  const newer = await raw.call({
    routine: "skew.add",
    arguments: { ...json([1, 2]), $unknown },
    $unknown,
  });
  for (const { result } of [older, newer]) assert.equal(result?.encoding.value, "3");
  const items: unknown[] = [];
  for await (const { message } of raw.stream({ routine: "skew.count", arguments: json([2]) })) {
    if (message.case === "value") items.push(message.value.encoding.value);
  }
  const call = { routine: "skew.count", arguments: json([2]) };
  async function* newRequests() {
    await Promise.resolve();
    yield { message: { case: "call" as const, value: call }, $unknown };
    // Of a kind that no worker knows yet.
    yield { $unknown };
  }
  for await (const { message } of raw.duplex(newRequests())) {
    if (message.case === "value") items.push(message.value.encoding.value);
  }
  assert.deepEqual(items, ["1", "2", "1", "2"]);
});

/** A worker that serves what is given, and nothing else. */
function workerWith(
  name: string,
  implementation: Partial<ServiceImpl<typeof WorkerService>>,
): Disposable {
  const router = createRpcRouter({});
  router.service(WorkerService, implementation);
  const admit = () => ({ admitted: true, context: undefined, release: () => {} }) as const;
  const onRequest = createRequestHandler({ router, admit })("a caller");
  return listenInMemory(
    { kind: "memory", name },
    (channel) => void openServerConnection(channel, { onRequest }),
  );
}

Deno.test("a dispatcher calls workers of a newer and of an older minor version", async () => {
  const answer = { result: { ...json(3), $unknown }, $unknown };
  async function* items() {
    yield create(ItemSchema, { $unknown } as object);
    yield await Promise.resolve({
      message: { case: "value" as const, value: json(7) },
      $unknown,
    });
  }
  using _newer = workerWith("newer", {
    call: () => answer,
    duplex: items,
    describe: () => ({
      ...create(DescribeResponseSchema, {
        workerId: "newer",
        routines: [
          { name: "skew.add", version: "9", shape: 99 as RoutineShape },
          { name: "skew.count" },
        ],
      }),
      $unknown,
    }),
  });
  // The first version knew no Describe, and what it has no name for it calls unimplemented.
  using _older = workerWith("older", {
    call: () => ({ result: json(3) }),
    duplex: async function* () {
      yield await Promise.resolve({ message: { case: "value" as const, value: json(7) } });
    },
  });
  for (const name of ["newer", "older"]) {
    const registry = memoryDiscovery();
    const address = `memory:${name}`;
    await registry.announce({ id: name, address, tls: false, tags: [] }, { signal });
    await using dispatcher = await Dispatcher.open({ discovery: registry });
    assert.equal(await dispatcher.call(add, [1, 2]), 3);
    const read = [];
    for await (const item of dispatcher.stream(count, [1])) read.push(item);
    assert.deepEqual(read, [7]);
    assert.equal(dispatcher.workers()[0]?.id, name);
  }
});
