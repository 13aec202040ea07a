import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import type { Caller } from "../../src/contract/mod.ts";
import * as routines from "./routines.ts";

/** Who short calls are made by, at the same time. */
const CALLERS = 4;
/** Items of the stream that is left half read; far more than are sent ahead. */
const ITEMS = 200;

/** Calls one after the other, and a long one of each kind in flight all the while. */
export class Load {
  readonly #caller: Caller<unknown, unknown>;
  readonly #pauseMs: number;
  readonly #failures: unknown[] = [];
  readonly #callers: Promise<void>[];
  #long: readonly LongCall[] = [];
  #stopped = false;
  #calls = 0;

  private constructor(caller: Caller<unknown, unknown>, pauseMs: number) {
    this.#caller = caller;
    this.#pauseMs = pauseMs;
    this.#callers = Array.from({ length: CALLERS }, () => this.#call());
    this.#callers.push(this.#stream());
  }

  /**
   * Begins, and waits until every long call is under way.
   *
   * @param pauseMs between the calls of each caller, at least 1: calls are to be under way all the time, not to
   * take the processor from what is rotated.
   */
  static async begin(caller: Caller<unknown, unknown>, pauseMs: number = 1): Promise<Load> {
    const load = new Load(caller, pauseMs);
    load.#long = await Promise.all([holdCall(caller), duplexCall(caller), streamCall(caller)]);
    return load;
  }

  /** Calls that were made. */
  get calls(): number {
    return this.#calls;
  }

  /** Waits until further calls have been answered, begun after now. */
  async goesOn(): Promise<void> {
    // The calls that are under way may have begun before.
    const enough = this.#calls + 2 * this.#callers.length;
    while (this.#calls < enough && this.#failures.length === 0) {
      await this.#caller.call(routines.echo, [0]);
    }
  }

  /** Lets the long calls go on to their end. */
  async finishLongCalls(): Promise<void> {
    for (const { finish } of this.#long) await finish();
    this.#long = [];
  }

  /** Ends it; not one call may have failed. */
  async end(): Promise<void> {
    await this.finishLongCalls();
    this.#stopped = true;
    await Promise.all(this.#callers);
    assert.deepEqual(this.#failures, []);
    assert.ok(this.#calls > 0);
  }

  async #call(): Promise<void> {
    for (let n = 0; !this.#stopped; n++) {
      await this.#count(async () => assert.equal(await this.#caller.call(routines.echo, [n]), n));
    }
  }

  async #stream(): Promise<void> {
    while (!this.#stopped) {
      await this.#count(async () => {
        const items = await Array.fromAsync(this.#caller.stream(routines.count, [3]));
        assert.deepEqual(items, [1, 2, 3]);
      });
    }
  }

  async #count(call: () => Promise<void>): Promise<void> {
    try {
      await call();
    } catch (error) {
      this.#failures.push(error);
      // One is too many; and calls that fail at once would leave nobody else a turn.
      this.#stopped = true;
    }
    this.#calls += 1;
    await delay(this.#pauseMs);
  }
}

/** A call that is under way until it is asked to finish. */
interface LongCall {
  readonly finish: () => Promise<void>;
}

async function holdCall(caller: Caller<unknown, unknown>): Promise<LongCall> {
  const name = crypto.randomUUID();
  const call = caller.call(routines.hold, [name], { timeoutMs: 0 });
  // Asserted on by `finish`; until then nobody listens.
  call.catch(() => {});
  await caller.call(routines.held, [name]);
  return {
    async finish() {
      await caller.call(routines.release, [name]);
      assert.equal(await call, name);
    },
  };
}

async function duplexCall(caller: Caller<unknown, unknown>): Promise<LongCall> {
  const input = new TransformStream<number, number>();
  const writer = input.writable.getWriter();
  const items = caller.duplex(routines.echoes, input.readable, [])[Symbol.asyncIterator]();
  writer.write(1);
  assert.deepEqual(await items.next(), { value: 1, done: false });
  return {
    async finish() {
      writer.write(2);
      assert.deepEqual(await items.next(), { value: 2, done: false });
      writer.close();
      assert.equal((await items.next()).done, true);
    },
  };
}

async function streamCall(caller: Caller<unknown, unknown>): Promise<LongCall> {
  const items = caller.stream(routines.count, [ITEMS])[Symbol.asyncIterator]();
  assert.deepEqual(await items.next(), { value: 1, done: false });
  return {
    async finish() {
      for (let n = 2; n <= ITEMS; n++) {
        assert.deepEqual(await items.next(), { value: n, done: false });
      }
      assert.equal((await items.next()).done, true);
    },
  };
}
