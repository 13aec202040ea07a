import assert from "node:assert/strict";
import { ManualClock, turn } from "../../tests/support/manual_clock.ts";
import { RecordingObserver } from "../../tests/support/recording_observer.ts";
import { Publication } from "./publication.ts";

/** A publication whose lease ends as `end` does. */
function published(clock: ManualClock, observer: RecordingObserver, end: () => Promise<void>) {
  return Publication.start({
    discovery: {
      source: "etcd:x",
      namesWorkers: true,
      async *watch() {},
      announce: () =>
        Promise.resolve({ update: () => Promise.resolve(), [Symbol.asyncDispose]: end }),
    },
    announcement: { id: "w", address: "10.0.0.1:1", tls: true, tags: [] },
    credentials: undefined,
    clock,
    observer,
  });
}

Deno.test("Publication gives up the first announcement when its worker is stopped while it starts", async () => {
  const stop = new AbortController();
  const starting = Publication.start({
    discovery: {
      source: "etcd:x",
      namesWorkers: true,
      async *watch() {},
      announce: (_, { signal }) =>
        new Promise((_, reject) =>
          signal.addEventListener("abort", () => reject(new Error("the call was cancelled")))
        ),
    },
    announcement: { id: "w", address: "10.0.0.1:1", tls: true, tags: [] },
    credentials: undefined,
    clock: new ManualClock(),
    observer: new RecordingObserver(),
    signal: stop.signal,
  });
  const reason = new Error("SIGTERM");
  stop.abort(reason);
  assert.equal(await starting.catch((error) => error), reason);
});

Deno.test("Publication waits five seconds for a backend to forget it, and no longer", async () => {
  const clock = new ManualClock();
  const publication = await published(clock, new RecordingObserver(), () => new Promise(() => {}));
  let isOver = false;
  const over = publication[Symbol.asyncDispose]().then(() => isOver = true);
  await clock.advanceInTurns(4_999);
  assert.equal(isOver, false);
  await clock.advanceInTurns(1);
  await over;
  await publication[Symbol.asyncDispose]();
  assert.equal(clock.pending, 0);
});

Deno.test("Publication reports a backend that cannot forget it, and is over", async () => {
  const observer = new RecordingObserver();
  const failing = () => Promise.reject(new Error("no leader"));
  const publication = await published(new ManualClock(), observer, failing);
  await publication[Symbol.asyncDispose]();
  await turn();
  assert.equal(observer.of("discovery.failed")[0]?.message, "no leader");
});

Deno.test("Publication offers its announcement again soon where the backend could not take it, and reports that once", async () => {
  const clock = new ManualClock();
  const observer = new RecordingObserver();
  let offered = 0;
  let isDown = true;
  const publication = await Publication.start({
    discovery: {
      source: "etcd:x",
      namesWorkers: false,
      async *watch() {},
      announce: () =>
        Promise.resolve({
          update: () => {
            offered += 1;
            return isDown ? Promise.reject(new Error("no leader")) : Promise.resolve();
          },
          [Symbol.asyncDispose]: () => Promise.resolve(),
        }),
    },
    announcement: { id: "w", address: "10.0.0.1:1", tls: true, tags: [] },
    credentials: undefined,
    clock,
    observer,
  });
  await clock.advanceInTurns(150_000);
  assert.equal(offered, 1);
  await clock.advanceInTurns(20_000);
  assert.equal(offered, 3);
  assert.equal(observer.of("discovery.failed").length, 1);
  isDown = false;
  await clock.advanceInTurns(10_000);
  assert.equal(offered, 4);
  await clock.advanceInTurns(149_999);
  assert.equal(offered, 4);
  await clock.advanceInTurns(1);
  assert.equal(offered, 5);
  // A machine that was suspended signs anew within a minute: others have stopped believing the announcement.
  clock.suspend(300_000);
  await clock.advanceInTurns(60_000);
  assert.equal(offered, 6);
  await publication[Symbol.asyncDispose]();
  assert.equal(clock.pending, 0);
});
