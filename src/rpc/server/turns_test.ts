import assert from "node:assert/strict";
import { Turns } from "./turns.ts";

/** An event loop that a test turns by hand. */
class ManualLoop {
  ms = 0;
  readonly paused: number[] = [];
  #next: (() => void)[] = [];
  readonly turns = new Turns({
    now: () => this.ms,
    nextTurn: (callback) => this.#next.push(callback),
    afterPause: (callback, ms) => {
      this.paused.push(ms);
      this.#next.push(callback);
    },
  });

  /** Turns once; what begins in that turn takes so long. */
  async turn(tookMs = 0): Promise<void> {
    const now = this.#next;
    this.#next = [];
    for (const callback of now) callback();
    for (let hop = 0; hop < 5; hop++) await undefined;
    this.ms += tookMs;
  }
}

/** Lets a connection ask so many times, and reports when each of them begins. */
function asks(loop: ManualLoop, name: string, count: number, begun: string[]): void {
  const share = loop.turns.share();
  for (let n = 1; n <= count; n++) share.turn().then(() => begun.push(`${name}${n}`));
}

Deno.test("Turns lets a call that is alone begin at once", async () => {
  const loop = new ManualLoop();
  for (let n = 0; n < 3; n++) {
    const begun: string[] = [];
    asks(loop, "a", 1, begun);
    await undefined;
    await undefined;
    assert.deepEqual(begun, ["a1"]);
    await loop.turn();
  }
});

Deno.test("Turns lets connections begin round robin, however many calls one of them has", async () => {
  const loop = new ManualLoop();
  const begun: string[] = [];
  asks(loop, "a", 100, begun);
  asks(loop, "b", 2, begun);
  asks(loop, "c", 1, begun);
  await loop.turn(1);
  while (begun.length < 7) await loop.turn(1);
  assert.deepEqual(begun.slice(0, 7), ["a1", "a2", "b1", "c1", "a3", "b2", "a4"]);
});

Deno.test("Turns lets all begin without a pause where the fast path is not in use", async () => {
  const loop = new ManualLoop();
  const begun: string[] = [];
  asks(loop, "a", 500, begun);
  for (let turn = 0; turn < 200; turn++) await loop.turn(1);
  assert.deepEqual([begun.length, loop.paused], [500, []]);
});

Deno.test("Turns leaves calls on the plain path an eighth of the time where the fast path is busy", async () => {
  const loop = new ManualLoop();
  const begun: string[] = [];
  asks(loop, "a", 10_000, begun);
  const callMs = 0.05;
  while (loop.ms < 1000) {
    const before = begun.length;
    await loop.turn();
    const [tookMs, pausedMs] = [(begun.length - before) * callMs, loop.paused.splice(0).length];
    loop.ms += tookMs + pausedMs;
    // As many as the rest of the time has room for.
    for (let ms = 0; ms < tookMs + pausedMs; ms += 0.03) loop.turns.fastCall();
  }
  const share = begun.length * callMs / loop.ms;
  assert.ok(share > 0.1 && share < 0.15, `${share}`);
});

Deno.test("Turns leaves calls on the plain path most of the time where the fast path does little", async () => {
  const loop = new ManualLoop();
  const begun: string[] = [];
  asks(loop, "a", 100_000, begun);
  const callMs = 0.05;
  while (loop.ms < 1000) {
    const before = begun.length;
    await loop.turn();
    const tookMs = (begun.length - before) * callMs + loop.paused.splice(0).length;
    loop.ms += tookMs;
    if (tookMs > 0) loop.turns.fastCall();
  }
  const share = begun.length * callMs / loop.ms;
  assert.ok(share > 0.6, `${share}`);
});
