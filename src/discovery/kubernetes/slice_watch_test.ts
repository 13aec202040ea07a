import assert from "node:assert/strict";
import { ManualClock, turn } from "../../../tests/support/manual_clock.ts";
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
    steady: () => systemClock.steady(),
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

Deno.test("a server that ends each watch at once is asked ever less often; a watch that lasted is followed at once", async () => {
  const clock = new ManualClock();
  const stop = new AbortController();
  let [asked, lastsMs, events] = [0, 0, [bookmark()]];
  const client = {
    json: () => Promise.resolve({ status: 200, value: page("a", "10.0.0.1") }),
    get: () => {
      asked += 1;
      // Without any pause nothing else would ever run.
      if (asked === 100) stop.abort();
      const [lasts, answer] = [lastsMs, events];
      lastsMs = 0;
      return Promise.resolve({ status: 200, body: watchOf(answer, () => clock.advance(lasts)) });
    },
    leave: () => {},
  } as unknown as ApiClient;
  const watch = new SliceWatch({ client, namespace: "n", service: "s", port: 1, clock });
  const over = (async () => {
    for await (const _changes of watch.changes(stop.signal));
  })();
  /** The wait after the watches that began without one, in milliseconds. */
  const nextWait = async (): Promise<number> => {
    const [waitMs = 0] = clock.delays;
    clock.advance(waitMs);
    await turn();
    return waitMs;
  };
  await turn();
  assert.equal(asked, 1);
  const waits: number[] = [];
  for (let watches = 1; watches < 10; watches++) waits.push(await nextWait());
  assert.equal(asked, 10);
  assert.ok(waits.slice(7).every((waitMs) => waitMs >= 2_500 && waitMs <= 5_000), `${waits}`);
  // One that has lasted is followed by the next, which ends at once again: the wait is the shortest.
  lastsMs = 5_000;
  await nextWait();
  assert.equal(asked, 12);
  assert.ok(await nextWait() <= 100);
  // So it is after one that delivered a change.
  events = [{ type: "DELETED", object: page("a", "10.0.0.1").items[0]! }];
  await nextWait();
  assert.equal(asked, 14);
  assert.ok(await nextWait() <= 100);
  stop.abort();
  await over;
});

/** A watch that delivers these events and ends once `onEnd` returns. */
async function* watchOf(events: readonly object[], onEnd: () => void) {
  for (const event of events) yield new TextEncoder().encode(`${JSON.stringify(event)}\n`);
  onEnd();
}

function bookmark(): object {
  return { type: "BOOKMARK", object: { metadata: { resourceVersion: "8" } } };
}

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
