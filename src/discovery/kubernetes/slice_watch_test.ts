import assert from "node:assert/strict";
import { systemClock } from "../../observe/mod.ts";
import type { ApiClient } from "./api_client.ts";
import { SliceWatch } from "./slice_watch.ts";

Deno.test("a list that breaks off after a page is read anew from its beginning", async () => {
  const asked: string[] = [];
  const stop = new AbortController();
  const answers = [
    { status: 200, value: page("a", "10.0.0.1", "more") },
    { status: 500, value: { message: "etcdserver: leader changed" } },
    { status: 200, value: page("a", "10.0.0.1", "more") },
    { status: 200, value: page("b", "10.0.0.2") },
  ];
  const client = {
    json: (path: string) => {
      asked.push(path.includes("&continue=") ? "next page" : "first page");
      return Promise.resolve(answers.shift()!);
    },
    get: () => {
      asked.push("watch");
      stop.abort();
      return Promise.reject(new Error("it is over"));
    },
    leave: () => {},
  } as unknown as ApiClient;
  // No wait is needed before the next attempt.
  const clock = {
    now: () => systemClock.now(),
    schedule: (callback: () => void, delayMs: number, options = {}) =>
      delayMs < 10_000
        ? systemClock.schedule(callback, 0)
        : systemClock.schedule(callback, delayMs, options),
  };
  const watch = new SliceWatch({ client, namespace: "n", service: "s", port: 1, clock });
  const found: string[] = [];
  for await (const changes of watch.changes(stop.signal)) {
    for (const change of changes) if (change.kind === "added") found.push(change.worker.address);
  }
  assert.deepEqual(found.sort(), ["10.0.0.1:1", "10.0.0.2:1"]);
  assert.deepEqual(asked, ["first page", "next page", "first page", "next page", "watch"]);
});

Deno.test("a list without end is given up, and reported", async () => {
  const stop = new AbortController();
  let asked = 0;
  const client = {
    json: () => {
      asked += 1;
      return Promise.resolve({ status: 200, value: page(`s${asked}`, "10.0.0.1", "more") });
    },
    leave: () => {},
  } as unknown as ApiClient;
  const watch = new SliceWatch({
    client,
    namespace: "n",
    service: "s",
    port: 1,
    clock: systemClock,
  });
  for await (const changes of watch.changes(stop.signal)) {
    assert.deepEqual(changes, [{
      kind: "failed",
      message: "the API server lists more than 64 pages",
    }]);
    stop.abort();
  }
  assert.equal(asked, 64);
});

function page(name: string, address: string, more?: string) {
  return {
    metadata: { resourceVersion: "7", ...(more === undefined ? {} : { continue: more }) },
    items: [{
      metadata: { name },
      addressType: "IPv4",
      endpoints: [{ addresses: [address] }],
    }],
  };
}
