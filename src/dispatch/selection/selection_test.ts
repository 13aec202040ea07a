import assert from "node:assert/strict";
import { ManualClock } from "../../../tests/support/manual_clock.ts";
import type { Balancer } from "./balancer.ts";
import type { Endpoint } from "../endpoint/endpoint.ts";
import { EndpointIndex } from "./endpoint_index.ts";
import { HeldCalls } from "../endpoint/held_calls.ts";
import { Load } from "../endpoint/load.ts";
import { Selection } from "./selection.ts";
import { TrackRecord } from "../endpoint/track_record.ts";

/** What the index and a selection read of an endpoint. */
class FakeEndpoint {
  readonly load = new Load();
  readonly held = new HeldCalls(this.load);
  readonly record = new TrackRecord(this.load);
  readonly isIdle = false;
  link: object | undefined = {};
  constructor(readonly address: string, readonly tags: readonly string[] = []) {}
}

/** Numbers that look random and are the same in every run. */
function seeded(seed: number): () => number {
  return () => {
    seed = (seed * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return seed / 2 ** 32;
  };
}

function setUp(count: number, balancer?: Balancer) {
  const clock = new ManualClock();
  const index = new EndpointIndex();
  const drawn = { times: 0 };
  const next = seeded(5);
  const random = () => {
    drawn.times += 1;
    return next();
  };
  const selection = new Selection(index, { clock, random, balancer });
  const workers = Array.from(
    { length: count },
    (_, n) => new FakeEndpoint(String(n), n % 4 === 0 ? ["gpu", "eu"] : ["eu"]),
  );
  const update = (one: FakeEndpoint) => index.update(one as unknown as Endpoint);
  workers.forEach(update);
  const choose = (tags?: string[], tried?: readonly FakeEndpoint[]) =>
    selection.choose(
      { tags },
      new Map((tried ?? []).map((one) => [one as unknown as Endpoint, new Error()])),
    ) as unknown as FakeEndpoint | undefined;
  const eject = (one: FakeEndpoint) => {
    const before = one.record.ejectedUntil;
    for (let n = 0; n < 5; n++) one.record.failed(clock.now(), 0.5);
    selection.eject(one as unknown as Endpoint, before);
  };
  return { clock, index, workers, update, choose, eject, drawn };
}

Deno.test("Selection draws two workers, however many there are, also while some are ejected", () => {
  for (const count of [10, 10_000]) {
    const { workers, choose, eject, drawn } = setUp(count);
    for (let n = 0; n < 1_000; n++) choose();
    assert.equal(drawn.times, 2_000);
    for (const one of workers.slice(0, count / 10)) eject(one);
    const ejected = new Set(workers.slice(0, count / 10));
    drawn.times = 0;
    for (let n = 0; n < 1_000; n++) assert.ok(!ejected.has(choose()!));
    // One in ten draws finds an ejected one, and of ten workers one in ten the same again.
    assert.ok(drawn.times < 2_600, `${drawn.times} draws`);
  }
});

Deno.test("Selection takes of two workers the one with less to do, whatever places they have moved to", () => {
  const { index, workers, update, choose } = setUp(40);
  const random = seeded(9);
  for (let round = 0; round < 200; round++) {
    const moved = workers[Math.floor(random() * workers.length)]!;
    moved.link = moved.link === undefined ? {} : undefined;
    update(moved);
    moved.held.add({ routine: "r" });
    for (const [at, one] of index.open.entries()) {
      assert.equal(one.load.place, at);
    }
    const [busy, idle] = workers.filter(({ link }) => link !== undefined);
    if (busy === undefined || idle === undefined) continue;
    const others = workers.filter((one) => one !== busy && one !== idle);
    const [more, less] = busy.held.size > idle.held.size ? [busy, idle] : [idle, busy];
    if (more.held.size === less.held.size) continue;
    assert.equal(choose(undefined, others), less);
  }
});

Deno.test("Load keeps its numbers while the table grows and others leave", () => {
  const { workers, update } = setUp(100);
  for (const [n, one] of workers.entries()) {
    for (let call = 0; call < n; call++) one.held.add({ routine: "r" });
    one.record.answered(n, 1_000);
  }
  for (const one of workers.filter((_, n) => n % 3 === 0)) {
    one.link = undefined;
    update(one);
  }
  for (const [n, one] of workers.entries()) {
    assert.deepEqual([one.load.inFlight, one.load.latencyMs, one.load.answeredAt], [n, n, 1_000]);
  }
});

Deno.test("Selection asks only workers with the tags, ejected or not, and notices new ones", () => {
  const { clock, workers, update, choose, eject } = setUp(12);
  const [first, second, third] = workers.filter(({ tags }) => tags.includes("gpu"));
  const chosen = (tags: string[]) =>
    new Set(Array.from({ length: 60 }, () => choose(tags)?.address));
  assert.deepEqual(chosen(["gpu", "eu"]), new Set(["0", "4", "8"]));
  assert.deepEqual(chosen(["us"]), new Set([undefined]));
  eject(first!);
  assert.deepEqual(chosen(["gpu"]), new Set(["4", "8"]));
  eject(second!);
  // Most of those with the tag are ejected: it is not they.
  assert.deepEqual(chosen(["gpu"]), new Set(["0", "4", "8"]));
  assert.ok(!chosen(["eu"]).has("0"));
  clock.advance(2_000);
  assert.ok(chosen(["eu"]).has("0"));
  third!.link = undefined;
  update(third!);
  update(new FakeEndpoint("new", ["gpu"]));
  assert.deepEqual(chosen(["gpu"]), new Set(["0", "4", "new"]));
});

Deno.test("Selection gives a balancer of the user's own those that may be chosen, and all while no one is ejected", () => {
  const offered: number[] = [];
  const { index, workers, choose, eject } = setUp(12, (candidates) => {
    offered.push((candidates as unknown) === index.open ? -1 : candidates.length);
    return candidates[0]!;
  });
  choose();
  eject(workers[5]!);
  choose();
  choose(["gpu"]);
  choose(undefined, [workers[0]!]);
  assert.deepEqual(offered, [-1, 11, 3, 10]);
});
