import assert from "node:assert/strict";
import { configure, type LogRecord, reset } from "@logtape/logtape";
import { ManualClock } from "../../tests/support/manual_clock.ts";
import { EventHub, type SelvageEvent, type UnstampedEvent } from "./mod.ts";

const draining: UnstampedEvent = {
  type: "worker.draining",
  workerId: "w1",
  inFlight: 2,
  graceMs: 25_000,
};

function failed(address: string): UnstampedEvent {
  return {
    type: "handshake.failed",
    side: "dispatcher",
    reason: "certificate-expired",
    worker: { address },
    evidence: {},
  };
}

async function logged(body: () => void | Promise<void>): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  await configure({
    sinks: { memory: (record) => records.push(record) },
    loggers: [
      { category: "selvage", lowestLevel: "debug", sinks: ["memory"] },
      { category: ["logtape", "meta"], lowestLevel: "error", sinks: [] },
    ],
  });
  try {
    await body();
  } finally {
    await reset();
  }
  return records;
}

Deno.test("EventHub stamps events with the time and the origin, and gives them to every reader", async () => {
  using hub = new EventHub("w1", { clock: new ManualClock(Date.UTC(2030, 0, 1)) });
  const readers = [hub.events(), hub.events()];
  hub.emit(draining);
  hub.as("d1").emit(draining);
  for (const reader of readers) {
    assert.deepEqual((await reader.next()).value, {
      ...draining,
      at: "2030-01-01T00:00:00.000Z",
      origin: "w1",
    });
    assert.equal((await reader.next()).value?.origin, "d1");
  }
});

Deno.test("EventHub gives a reader nothing from before it was opened or after it left", async () => {
  using hub = new EventHub("w1");
  hub.emit(draining);
  const reader = hub.events();
  hub.emit({ ...draining, inFlight: 7 });
  const first = (await reader.next()).value as SelvageEvent;
  assert.equal(first.type === "worker.draining" && first.inFlight, 7);
  reader[Symbol.dispose]();
  hub.emit(draining);
  assert.equal((await reader.next()).done, true);
});

Deno.test("EventHub lets readers finish what is buffered when it is disposed of", async () => {
  const hub = new EventHub("w1");
  const reader = hub.events();
  hub.emit(draining);
  hub[Symbol.dispose]();
  assert.equal((await reader.next()).done, false);
  assert.equal((await reader.next()).done, true);
  assert.equal((await hub.events().next()).done, true);
});

Deno.test("EventHub logs an event under its part with its members as properties", async () => {
  const records = await logged(() => {
    using hub = new EventHub("d1");
    hub.emit(failed("127.0.0.1:1"));
  });
  assert.equal(records.length, 1);
  const [record] = records;
  assert.deepEqual(record?.category, ["selvage", "handshake"]);
  assert.equal(record?.level, "warning");
  assert.equal(record?.properties["reason"], "certificate-expired");
  assert.equal(record?.properties["origin"], "d1");
  assert.equal(
    record?.message.join(""),
    "handshake with worker 127.0.0.1:1 failed: certificate-expired (dispatcher side)",
  );
});

Deno.test("EventHub warns once a minute for each worker and reason, and says what it held back", async () => {
  const clock = new ManualClock();
  const records = await logged(() => {
    const hub = new EventHub("d1", { clock });
    for (let count = 0; count < 5; count++) hub.emit(failed("a:1"));
    hub.emit(failed("b:1"));
    clock.advance(60_000);
    for (let count = 0; count < 3; count++) hub.emit(failed("a:1"));
    hub[Symbol.dispose]();
  });
  assert.deepEqual(
    records.map((
      { properties },
    ) => [properties["worker"] ?? properties["kind"], properties["heldBack"]]),
    [
      [{ address: "a:1" }, 0],
      [{ address: "b:1" }, 0],
      [{ address: "a:1" }, 4],
      ["handshake.failed certificate-expired", 2],
    ],
  );
  // Of any number.
  assert.equal(
    records.at(-1)?.message.join(""),
    "warnings of handshake.failed certificate-expired that were held back: 2",
  );
});

Deno.test("EventHub still gives readers every event that the log holds back", async () => {
  await logged(async () => {
    using hub = new EventHub("d1");
    const reader = hub.events();
    for (let count = 0; count < 3; count++) hub.emit(failed("a:1"));
    for (let count = 0; count < 3; count++) {
      assert.equal((await reader.next()).value?.type, "handshake.failed");
    }
  });
});

Deno.test("EventHub takes a client's ports for one client, so that its warnings are limited", async () => {
  const records = await logged(() => {
    using hub = new EventHub("w1", { clock: new ManualClock() });
    for (let port = 1; port < 500; port++) {
      hub.emit({
        type: "handshake.refused",
        side: "worker",
        reason: "untrusted-authority",
        peer: { address: `[2001:db8::1]:${port}` },
        evidence: {},
      });
    }
  });
  assert.equal(records.filter(({ properties }) => "peer" in properties).length, 1);
  assert.equal(records.at(-1)?.properties["heldBack"], 498);
});
