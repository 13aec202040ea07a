import assert from "node:assert/strict";
import { ManualClock, turn } from "../../tests/support/manual_clock.ts";
import type { UnstampedEvent } from "../observe/mod.ts";
import { type Child, type ChildExit, type ReadyChild, Supervisor } from "./supervisor.ts";

Deno.test("Supervisor starts as many children as asked and counts those that are ready", async () => {
  const fleet = new FakeFleet(2);
  fleet.children[0]!.becomeReady();
  fleet.children[1]!.becomeReady();
  await fleet.supervisor.started();
  assert.deepEqual(fleet.supervisor.ready.map(({ id }) => id), ["child-0", "child-1"]);
  assert.equal(fleet.changes, 2);
});

Deno.test("Supervisor starts another child after a wait when one dies", async () => {
  const fleet = new FakeFleet(1);
  fleet.children[0]!.becomeReady();
  await fleet.supervisor.started();
  await fleet.children[0]!.die({ code: 1 });
  assert.deepEqual(fleet.supervisor.ready, []);
  assert.equal(fleet.children.length, 1, "it waits first");
  fleet.clock.leap(60_000);
  fleet.children[1]!.becomeReady();
  await turn();
  assert.deepEqual(fleet.supervisor.ready.map(({ id }) => id), ["child-1"]);
  const types = ["worker.ready", "worker.crashed", "worker.ready", "worker.restarted"];
  assert.deepEqual(fleet.events.map(({ type }) => type), types);
  const [, crashed, , restarted] = fleet.events;
  assert.ok(crashed?.type === "worker.crashed" && restarted?.type === "worker.restarted");
  assert.equal(crashed.workerId, "child-0");
  assert.equal(crashed.exitCode, 1);
  assert.equal(restarted.previousId, "child-0");
});

Deno.test("Supervisor waits longer with every death in a row", async () => {
  const fleet = new FakeFleet(1);
  const waits: number[] = [];
  for (let n = 0; n < 4; n++) {
    await fleet.children[n]!.die({ code: 1 });
    waits.push(fleet.clock.delays[0]!);
    fleet.clock.advance(fleet.clock.delays[0]!);
  }
  assert.deepEqual(waits, [...waits].sort((a, b) => a - b));
  assert.equal(new Set(waits).size, 4);
});

Deno.test("Supervisor forgets earlier deaths once a child has run for a while", async () => {
  const fleet = new FakeFleet(1);
  await fleet.children[0]!.die({ code: 1 });
  const first = fleet.clock.delays[0]!;
  fleet.clock.advance(fleet.clock.delays[0]!);
  fleet.children[1]!.becomeReady();
  await turn();
  fleet.clock.leap(3_600_000);
  await fleet.children[1]!.die({ code: 137, signal: "SIGKILL" });
  assert.equal(fleet.clock.delays[0]!, first);
});

Deno.test("Supervisor.started() throws the failure when every child fails at first", async () => {
  const fleet = new FakeFleet(2);
  const started = assert.rejects(fleet.supervisor.started(), /no such module/);
  await fleet.children[0]!.die({ code: 1 }, new Error("no such module"));
  await fleet.children[1]!.die({ code: 1 }, new Error("no such module"));
  await started;
});

Deno.test("Supervisor.started() resolves when one child of several fails at first", async () => {
  const fleet = new FakeFleet(2);
  await fleet.children[0]!.die({ code: 1 });
  fleet.children[1]!.becomeReady();
  await fleet.supervisor.started();
});

Deno.test("Supervisor tries again when the system has no room for a process", async () => {
  const fleet = new FakeFleet(1);
  fleet.children[0]!.becomeReady();
  await fleet.supervisor.started();
  fleet.full = true;
  await fleet.children[0]!.die({ code: 1 });
  fleet.clock.advance(fleet.clock.delays[0]!);
  assert.equal(fleet.children.length, 1);
  fleet.full = false;
  fleet.clock.advance(fleet.clock.delays[0]!);
  fleet.children[1]!.becomeReady();
  await turn();
  assert.deepEqual(fleet.supervisor.ready.map(({ id }) => id), ["child-1"]);
});

Deno.test("Supervisor.resize() starts what is missing, and lets what is too much finish", async () => {
  const fleet = new FakeFleet(1);
  fleet.children[0]!.becomeReady();
  await fleet.supervisor.started();
  const grown = fleet.supervisor.resize(3, 500);
  assert.equal(fleet.children.length, 3);
  fleet.children[1]!.becomeReady();
  fleet.children[2]!.becomeReady();
  await grown;
  assert.equal(fleet.supervisor.ready.length, 3);
  const shrunk = fleet.supervisor.resize(1, 500);
  assert.deepEqual(fleet.supervisor.ready.map(({ id }) => id), ["child-0"]);
  await shrunk;
  assert.deepEqual(fleet.children.map(({ stoppedWith }) => stoppedWith), [undefined, 500, 500]);
  fleet.clock.leap(3_600_000);
  assert.equal(fleet.children.length, 3);
  const failing = assert.rejects(fleet.supervisor.resize(2, 500), /no room/);
  await fleet.children[3]!.die({ code: 1 }, new Error("no room"));
  await failing;
});

Deno.test("Supervisor.stop() stops every child and starts none again", async () => {
  const fleet = new FakeFleet(2);
  fleet.children[0]!.becomeReady();
  await fleet.children[1]!.die({ code: 1 });
  await fleet.supervisor.stop(500);
  assert.equal(fleet.children[0]!.stoppedWith, 500);
  assert.deepEqual(fleet.supervisor.ready, []);
  fleet.clock.leap(3_600_000);
  assert.equal(fleet.children.length, 2);
});

Deno.test("Supervisor replaces a child that answers no pings, and names the calls that it held", async () => {
  const fleet = new FakeFleet(2);
  for (const child of fleet.children) child.becomeReady();
  await fleet.supervisor.started();
  const [hung, other] = fleet.children as [FakeChild, FakeChild];
  await fleet.pass(30_000);
  assert.equal(hung.terminated, false);
  hung.answers = false;
  await fleet.pass(15_000);
  assert.equal(hung.terminated, true);
  assert.deepEqual(fleet.supervisor.ready.map(({ id }) => id), [other.name]);
  await hung.die({ code: 137, signal: "SIGKILL" });
  await fleet.pass(1_000);
  fleet.children[2]!.becomeReady();
  await turn();
  assert.equal(other.terminated, false);
  const calls = [{ callId: "at-child-0", routine: "spin" }];
  const reported = fleet.events.filter(({ type }) => type !== "worker.ready");
  assert.deepEqual(reported.map(({ type }) => type), [
    "worker.unresponsive",
    "worker.crashed",
    "worker.restarted",
  ]);
  const [unresponsive, , restarted] = reported;
  assert.ok(unresponsive?.type === "worker.unresponsive" && restarted?.type === "worker.restarted");
  assert.deepEqual([unresponsive.calls, restarted.calls], [calls, calls]);
});

Deno.test("Supervisor waits no longer for a child that hung after a while of use than for the first", async () => {
  const fleet = new FakeFleet(1);
  /** The next child runs for so long, answers no more, and ends. Gives the wait that follows, in milliseconds. */
  const hang = async (ranMs: number): Promise<number> => {
    const child = fleet.children.at(-1)!;
    child.becomeReady();
    await turn();
    await fleet.pass(ranMs);
    child.answers = false;
    while (!child.terminated) await fleet.pass(500);
    await child.die({ code: 137, signal: "SIGKILL" });
    const [waitMs] = fleet.clock.delays;
    fleet.clock.advance(waitMs!);
    return waitMs!;
  };
  const first = await hang(60_000);
  assert.deepEqual([await hang(60_000), await hang(60_000)], [first, first]);
  // One that never answers is of no use, although it takes a while to notice.
  assert.deepEqual([await hang(0), await hang(0)], [first * 2, first * 4]);
});

Deno.test("Supervisor gives its children the time that it was late itself", async () => {
  const fleet = new FakeFleet(1);
  fleet.children[0]!.becomeReady();
  await fleet.supervisor.started();
  await turn();
  fleet.children[0]!.answers = false;
  fleet.clock.leap(60_000);
  assert.equal(fleet.children[0]!.terminated, false);
  await fleet.pass(15_000);
  assert.equal(fleet.children[0]!.terminated, true);
});

class FakeFleet {
  readonly children: FakeChild[] = [];
  readonly events: UnstampedEvent[] = [];
  readonly clock = new ManualClock(0);
  changes = 0;
  full = false;
  readonly supervisor: Supervisor;

  constructor(count: number) {
    this.supervisor = new Supervisor({
      count,
      spawn: () => {
        if (this.full) throw new Error("no room");
        const child = new FakeChild(`child-${this.children.length}`);
        this.children.push(child);
        return child;
      },
      onChange: () => this.changes++,
      clock: this.clock,
      observer: { emit: (event: UnstampedEvent) => this.events.push(event) } as never,
      livenessTimeoutMs: 15_000,
      callsAt: (workerId) => [{ callId: `at-${workerId}`, routine: "spin" }],
      random: () => 0.5,
      backoff: {},
    });
  }

  /** Lets time pass in small steps. */
  async pass(ms: number): Promise<void> {
    const end = this.clock.now() + ms;
    while (this.clock.now() < end) {
      this.clock.advance(Math.min(end - this.clock.now(), 500));
      await turn();
    }
  }
}

class FakeChild implements Child {
  readonly #ready = Promise.withResolvers<ReadyChild>();
  readonly #exited = Promise.withResolvers<ChildExit>();
  readonly ready = this.#ready.promise;
  readonly exited = this.#exited.promise;
  stoppedWith: number | undefined;
  pings = 0;
  /** Whether it answers pings. */
  answers = true;
  terminated = false;

  constructor(readonly name: string) {
    this.ready.catch(() => {});
  }

  becomeReady(): void {
    this.#ready.resolve({ id: this.name, address: "127.0.0.1:1", identity: this.name });
  }

  async die(exit: ChildExit, error = new Error("died")): Promise<void> {
    this.#ready.reject(error);
    this.#exited.resolve(exit);
    await turn();
  }

  ping(): Promise<void> {
    this.pings += 1;
    return this.answers ? Promise.resolve() : new Promise(() => {});
  }

  terminate(): void {
    this.terminated = true;
  }

  stop(graceMs: number): Promise<void> {
    this.stoppedWith = graceMs;
    this.#exited.resolve({ code: 0 });
    return Promise.resolve();
  }
}
