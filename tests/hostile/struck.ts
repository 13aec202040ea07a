import { attacks } from "./attacks.ts";
import type { Deeds, Orders } from "./attacker_thread.ts";
import { floods } from "./floods.ts";
import { echo, type Held } from "./routines.ts";
import { DispatcherStage } from "./servers/dispatcher_stage.ts";
import { floodTraps } from "./servers/flood_traps.ts";
import { traps } from "./servers/traps.ts";
import { Stage } from "./stage.ts";

/** Somebody who is struck again and again, and calls that go on beside it. */
export interface Struck extends AsyncDisposable {
  /** What it is struck with, by turns where there are several. */
  readonly rows: ReadonlyMap<string, readonly string[]>;
  /** Calls a second, over so many milliseconds; not one may fail. */
  callFor(ms: number): Promise<number>;
  /** Begins to strike without a pause. */
  begin(names: readonly string[]): void;
  /** Ends it, and gives how many strikes it were; throws where one was not answered as it should be. */
  end(): Promise<number>;
  held(): Promise<Held>;
  settled(before: Held): Promise<Held>;
}

const CALLERS = 16;

/** A worker that is attacked, from a thread of its own. */
export async function struckWorker(): Promise<Struck> {
  const stage = await Stage.open();
  const thread = new Worker(new URL("./attacker_thread.ts", import.meta.url), { type: "module" });
  const quick = attacks.filter((attack) => !floods.includes(attack) && attack.slow !== true);
  return {
    rows: new Map<string, readonly string[]>([
      ...floods.map(({ name }) => [name, [name]] as [string, string[]]),
      ["every other attack in turn", quick.map(({ name }) => name)],
    ]),
    callFor: (ms) => callFor(stage, ms),
    begin: (names) => thread.postMessage({ target: stage.target, attacks: names } satisfies Orders),
    async end() {
      const { promise, resolve } = Promise.withResolvers<Deeds>();
      thread.onmessage = ({ data }) => resolve(data);
      thread.postMessage("stop");
      const { strikes, wrong } = await promise;
      if (wrong.length > 0) throw new Error(wrong.join("\n"));
      return strikes;
    },
    held: () => stage.held(),
    settled: (before) => stage.settled(before),
    [Symbol.asyncDispose]() {
      thread.terminate();
      return stage[Symbol.asyncDispose]();
    },
  };
}

/** A dispatcher that calls hostile servers. */
export async function struckDispatcher(): Promise<Struck> {
  const stage = await DispatcherStage.open("mutual-tls", "patient");
  const others = traps.filter((trap) => !floodTraps.includes(trap) && trap.slow !== true);
  let stopped = false;
  let striking = Promise.resolve(0);
  const strike = async (names: readonly string[]): Promise<number> => {
    const chosen = traps.filter(({ name }) => names.includes(name));
    for (let strikes = 0;; strikes++) {
      const trap = chosen[strikes % chosen.length];
      if (stopped || trap === undefined) return strikes;
      const { comesTo, answer } = await stage.strike(trap);
      if (comesTo !== trap.comesTo || answer !== trap.answer) {
        throw new Error(`${trap.name}: ${comesTo} and ${answer}`);
      }
    }
  };
  return {
    rows: new Map<string, readonly string[]>([
      ["every flood of a server in turn", floodTraps.map(({ name }) => name)],
      ["every other trap of a server in turn", others.map(({ name }) => name)],
    ]),
    callFor: (ms) => stage.callFor(ms),
    begin(names) {
      stopped = false;
      striking = strike(names);
    },
    end() {
      stopped = true;
      return striking;
    },
    held: () => stage.held(),
    settled: (before) => stage.settled(before),
    [Symbol.asyncDispose]: () => stage[Symbol.asyncDispose](),
  };
}

async function callFor({ dispatcher }: Stage, ms: number): Promise<number> {
  const begin = performance.now();
  let calls = 0;
  await Promise.all(Array.from({ length: CALLERS }, async () => {
    while (performance.now() < begin + ms) {
      await dispatcher.call(echo, [calls]);
      calls += 1;
    }
  }));
  return calls / (performance.now() - begin) * 1000;
}
