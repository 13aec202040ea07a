import assert from "node:assert/strict";
import { type BalancedWorker, powerOfTwo } from "./balancer.ts";
import { Load } from "../endpoint/load.ts";
import { TrackRecord } from "../endpoint/track_record.ts";

const worker = (address: string, inFlight: number, latencyMs = 1): BalancedWorker => ({
  id: undefined,
  address,
  tags: undefined,
  inFlight,
  latencyMs,
  lastCall: 0,
});

/** Numbers that look random and are the same in every run. */
function seeded(seed: number): () => number {
  return () => {
    seed = (seed * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return seed / 2 ** 32;
  };
}

Deno.test("powerOfTwo() takes of two workers the one with less to do", () => {
  const choose = powerOfTwo(seeded(1));
  const [idle, busy, slow] = [worker("idle", 0), worker("busy", 2), worker("slow", 0, 100)];
  for (let n = 0; n < 100; n++) {
    assert.equal(choose([idle, busy]), idle);
    assert.equal(choose([slow, idle]), idle);
    // A slow one is not starved: enough calls elsewhere outweigh it.
    assert.equal(choose([slow, worker("full", 20)]), slow);
  }
});

Deno.test("powerOfTwo() takes latencies that chance explains for alike", () => {
  const choose = powerOfTwo(seeded(1));
  const [one, other] = [worker("one", 1, 30), worker("other", 1, 55)];
  const taken = new Set(Array.from({ length: 100 }, () => choose([one, other])));
  assert.equal(taken.size, 2);
  assert.equal(choose([worker("busier", 2, 30), other]), other);
});

Deno.test("powerOfTwo() spreads calls in flight evenly, however many workers there are", () => {
  const random = seeded(7);
  const choose = powerOfTwo(random);
  for (const count of [10, 1_000]) {
    const workers = Array.from({ length: count }, (_, n) => ({ ...worker(String(n), 0) }));
    const held: typeof workers = [];
    for (let n = 0; n < count * 30; n++) {
      const chosen = choose(workers);
      chosen.inFlight += 1;
      held.push(chosen);
      if (held.length > count * 10) {
        held.splice(Math.floor(random() * held.length), 1)[0]!.inFlight -= 1;
      }
    }
    const most = Math.max(...workers.map(({ inFlight }) => inFlight));
    assert.ok(most / 10 <= 1.6, `${most} of ${count}`);
  }
});

Deno.test("powerOfTwo() takes of two alike the one that has waited longer for a call", () => {
  const random = seeded(11);
  const choose = powerOfTwo(random);
  const workers = Array.from({ length: 500 }, (_, n) => ({ ...worker(String(n), 0), calls: 0 }));
  for (let n = 1; n <= 500 * 20; n++) {
    const chosen = choose(workers);
    chosen.calls += 1;
    chosen.lastCall = n;
  }
  const counts = workers.map(({ calls }) => calls);
  // Left to chance, the standard deviation is the root of 20, and the busiest has 36.
  assert.ok(Math.max(...counts) <= 31 && Math.min(...counts) >= 11, counts.join(" "));
});

Deno.test("TrackRecord averages latency, forgets it, and ejects after failures in a row", () => {
  const record = new TrackRecord();
  for (let at = 0; at < 100; at++) record.answered(20, at * 10);
  assert.ok(Math.abs(record.latencyMs(1_000) - 20) < 1);
  assert.ok(record.latencyMs(31_000) < 0.1);
  const fail = (now: number) =>
    Array.from({ length: 5 }, () => record.failed(now, 0.5)).includes(true);
  for (let n = 0; n < 4; n++) assert.equal(record.failed(1_000, 0.5), false);
  record.answered(20, 1_000);
  assert.equal(record.failed(1_000, 0.5), false);
  assert.equal(fail(1_000), true);
  assert.equal(record.ejectedUntil, 3_000);
  assert.equal(fail(2_000), false);
  assert.equal(fail(3_000), true);
  assert.equal(record.ejectedUntil, 7_000);
});

Deno.test("TrackRecord ejects for a time that is a quarter shorter or longer by chance", () => {
  const until = (random: number) => {
    const record = new TrackRecord();
    for (let n = 0; n < 5; n++) record.failed(1_000, random);
    return record.ejectedUntil;
  };
  assert.deepEqual([0, 0.25, 0.5, 0.75].map(until), [2_500, 2_750, 3_000, 3_250]);
});

Deno.test("TrackRecord does not take silence for speed while calls are unanswered", () => {
  const load = new Load();
  const record = new TrackRecord(load);
  record.answered(20, 0);
  load.inFlight = 1;
  assert.equal(record.latencyMs(60_000), 20);
  load.inFlight = 0;
  assert.ok(record.latencyMs(60_000) < 0.1);
});

Deno.test("TrackRecord suspects a worker that was ejected until it answers", () => {
  const load = new Load();
  const record = new TrackRecord(load);
  record.answered(20, 0);
  for (let n = 0; n < 5; n++) record.failed(1_000, 0.5);
  load.inFlight = 1;
  assert.equal(record.latencyMs(4_000), 1_000);
  assert.equal(record.failed(4_000, 0.5), true);
  assert.equal(record.ejectedUntil, 8_000);
  load.inFlight = 0;
  record.answered(20, 30_000);
  assert.ok(record.latencyMs(30_000) < 40);
  assert.equal(record.failed(30_000, 0.5), false);
});
