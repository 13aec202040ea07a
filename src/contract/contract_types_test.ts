import {
  type Caller,
  type DuplexRoutine,
  duplexRoutine,
  implement,
  type Routine,
  routine,
  type StandardSchema,
} from "./mod.ts";
import type { StandardSchemaV1 } from "@standard-schema/spec";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : false;
declare function same<T extends true>(): T;

const add = routine("math.add", (a: number, b = 1) => a + b);
const later = routine("math.later", (a: number): number | Promise<number> => a);
const sumAll = routine("math.sum", (...n: number[]) => n.length);
const pair = routine("math.pair", (p: readonly [number, string]) => p);
const ping = routine("ping", () => {});
const optional = routine("math.optional", (a: number, b?: { c?: string }) => [a, b]);
const primes = routine("math.primes", async function* (limit: number) {
  yield limit;
});
const evens = routine("math.evens", function* (limit: number) {
  yield limit;
});
const lines = routine("text.lines", (text: string): AsyncIterable<string> => {
  throw new Error(text);
});
const tally = duplexRoutine("math.tally", async function* (
  input: AsyncIterable<number>,
  start: number,
) {
  for await (const n of input) yield `${n + start}`;
});
const area: Routine<(w: number, h: number) => number> = routine("math.area");
const ticks: Routine<(limit: number) => AsyncIterable<number>> = routine("math.ticks");
const chat: DuplexRoutine<(said: AsyncIterable<string>, room: string) => AsyncIterable<string>> =
  duplexRoutine("chat");
const cheap: Routine<(n: number) => number> = routine("math.cheap", { idempotent: true });
const schema: StandardSchema<{ text: string }, { text: string; at: Date }> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: () => ({ issues: [{ message: "never valid" }] }),
  },
};
const hash = routine(
  "math.hash",
  { input: schema, run: "thread", idempotent: true, version: "2" },
  (doc) => doc.at.getTime(),
);
const repeat = routine("repeat", async function* (value: unknown) {
  yield value;
});
const anything = routine("any", (value: unknown) => value);

declare const caller: Caller;
declare const numbers: AsyncIterable<number>;

// Nothing below runs: the checks are the compiler's.
export function declarationsInfer(): void {
  same<Equal<typeof add, Routine<(a: number, b?: number) => number, "unary">>>();
  same<Equal<typeof primes["shape"], "stream" | "unstated">>();
  same<Equal<typeof evens["shape"], "stream" | "unstated">>();
  same<Equal<typeof lines["shape"], "stream" | "unstated">>();
  same<Equal<typeof area["shape"], "unary" | "unstated">>();
  same<Equal<typeof hash, Routine<(input: { text: string }) => number, "unary">>>();
  implement(area, (w, h) => w * h);
  implement(area, async (w, h) => await Promise.resolve(w * h));
  implement(area, { run: "thread" }, (w) => w);
  implement(ticks, async function* (limit) {
    yield limit;
  });
  implement(chat, async function* (said, room) {
    for await (const word of said) yield room + word;
  });
  implement(hash, { input: schema }, (doc) => doc.at.getTime());
  same<Equal<ReturnType<typeof implementArea>, Routine<(w: number, h: number) => number>>>();
  // @ts-expect-error the result is a number
  implement(area, (w, h) => `${w * h}`);
  // @ts-expect-error the contract has no third parameter
  implement(area, (w, h, d: number) => w * h * d);
  // @ts-expect-error a contract's function is no string
  implement(ticks, () => "no stream");
}

function implementArea() {
  return implement(area, (w, h) => w * h);
}

export async function callsInfer(): Promise<void> {
  const sum = await caller.call(add, [1, 2]);
  same<Equal<typeof sum, number>>();
  const one = await caller.call(later, [1]);
  same<Equal<typeof one, number>>();
  same<Equal<ReturnType<typeof callHash>, Promise<number>>>();
  await caller.call(add, [1]);
  await caller.call(add, [1, 2] as const);
  await caller.call(sumAll, [1, 2, 3]);
  await caller.call(sumAll, Array.from({ length: 3 }, Number));
  await caller.call(pair, [[1, "a"]]);
  await caller.call(pair, [[1, "a"] as const] as const);
  await caller.call(ping, []);
  await caller.call(optional, [1]);
  await caller.call(optional, [1, { c: "x" }]);
  await caller.call(optional, [1, {}]);
  await caller.call(area, [2, 3], { timeoutMs: 500, affinity: "tenant-7" });
  await caller.call(cheap, [1]);
  await caller.call(anything, [new Map([["a", new Set([1n])]])]);
  await caller.call(anything, [{ when: new Date(), bytes: new Uint8Array(2), none: undefined }]);
  for await (const p of caller.stream(primes, [100])) same<Equal<typeof p, number>>();
  for await (const e of caller.stream(evens, [100])) same<Equal<typeof e, number>>();
  for await (const l of caller.stream(lines, ["a"])) same<Equal<typeof l, string>>();
  for await (const t of caller.stream(ticks, [1])) same<Equal<typeof t, number>>();
  for await (const t of caller.duplex(tally, numbers, [0])) same<Equal<typeof t, string>>();
  for await (const t of caller.duplex(chat, ["hi"], ["room"])) same<Equal<typeof t, string>>();
}

function callHash() {
  return caller.call(hash, [{ text: "a" }]);
}

export function clientInfers(): void {
  const math = caller.client({ add, primes, tally, area, ticks });
  same<Equal<ReturnType<typeof math.add>, Promise<number>>>();
  same<Equal<Parameters<typeof math.add>, [a: number, b?: number | undefined]>>();
  same<Equal<ReturnType<typeof math.primes>, AsyncIterable<number>>>();
  same<Equal<ReturnType<typeof math.ticks>, AsyncIterable<number>>>();
  same<Equal<ReturnType<typeof math.area>, Promise<number>>>();
  same<Equal<ReturnType<typeof math.tally>, AsyncIterable<string>>>();
  math.tally(numbers, 0);
  math.tally([1, 2], 0);
  // @ts-expect-error a string is no number
  math.add("1", 2);
  // @ts-expect-error an argument is missing
  math.area(1);
  // @ts-expect-error there is no such routine
  math.subtract(1, 2);
  // @ts-expect-error it is sent numbers
  math.tally(["a"], 0);
}

export function wrongCallsDoNotCompile(): void {
  // @ts-expect-error a string is no number
  caller.call(add, ["1"]);
  // @ts-expect-error an argument is missing
  caller.call(add, []);
  // @ts-expect-error one argument too many
  caller.call(add, [1, 2, 3]);
  // @ts-expect-error the argument list is a list
  caller.call(add, 1);
  // @ts-expect-error an array has no known length
  caller.call(add, Array.from({ length: 2 }, Number));
  // @ts-expect-error call() is not for a streaming routine
  caller.call(primes, [100]);
  // @ts-expect-error call() is not for a function that returns an AsyncIterable
  caller.call(lines, ["a"]);
  // @ts-expect-error call() is not for a streaming contract
  caller.call(ticks, [1]);
  // @ts-expect-error call() is not for a duplex routine
  caller.call(tally, [0]);
  // @ts-expect-error stream() is not for a unary routine
  caller.stream(add, [1, 2]);
  // @ts-expect-error stream() is not for a duplex routine
  caller.stream(tally, [0]);
  // @ts-expect-error duplex() is not for a streaming routine
  caller.duplex(primes, numbers, [100]);
  // @ts-expect-error the routine is sent numbers
  caller.duplex(tally, ["a"], [0]);
  // @ts-expect-error the schema wants an object
  caller.call(hash, ["text"]);
  // @ts-expect-error there is no such option
  caller.call(add, [1, 2], { timeout: 5 });
}

class Account {
  readonly #secret = 1;
  open = true;
  peek(): number {
    return this.#secret;
  }
}
class Sealed {
  readonly #secret = 1;
  open = true;
  static peek(sealed: Sealed): number {
    return sealed.#secret;
  }
}

export function whatCannotTravelDoesNotCompile(): void {
  // @ts-expect-error a function cannot be sent
  caller.call(anything, [() => 1]);
  // @ts-expect-error a symbol cannot be sent
  caller.call(anything, [Symbol.iterator]);
  // @ts-expect-error a class instance cannot be sent
  caller.call(anything, [new Account()]);
  // @ts-expect-error a class instance with private members cannot be sent
  caller.call(anything, [new Sealed()]);
  // @ts-expect-error a class cannot be sent
  caller.call(anything, [Account]);
  // @ts-expect-error nor deep inside
  caller.call(anything, [{ list: [new Map([["a", () => 1]])] }]);
  // @ts-expect-error a URL is a class instance
  caller.call(anything, [new URL("https://example.org")]);
  // @ts-expect-error an Error is thrown, not sent
  caller.call(anything, [new Error("x")]);
  // @ts-expect-error nor to a stream
  caller.stream(repeat, [() => 1]);
  // @ts-expect-error a routine cannot take a function
  routine("f", (callback: () => void) => callback());
  // @ts-expect-error a routine cannot take a symbol
  routine("f", (key: symbol) => key.description);
  // @ts-expect-error a routine cannot take a class instance
  routine("f", (account: Account) => account.open);
  // @ts-expect-error a routine cannot take one among options
  routine("f", { version: "1" }, (options: { done?: () => void }) => options.done?.());
  // @ts-expect-error a routine cannot take an Error
  routine("f", (error: Error) => error.message);
  // @ts-expect-error nor return one
  routine("f", () => new RangeError("x"));
  // @ts-expect-error a routine cannot return a function
  routine("f", (n: number) => () => n);
  // @ts-expect-error a routine cannot yield a function
  routine("f", async function* (n: number) {
    yield () => n;
  });
  // @ts-expect-error a duplex routine takes a stream first
  duplexRoutine("f", async function* (n: number) {
    yield n;
  });
  // @ts-expect-error a list is no stream
  duplexRoutine("f", async function* (input: number[]) {
    yield* input;
  });
  // @ts-expect-error a duplex routine takes at least its stream
  duplexRoutine("f", async function* () {
    yield 1;
  });
  // @ts-expect-error it may not ask for more than an AsyncIterable
  duplexRoutine("f", async function* (input: AsyncGenerator<number>) {
    yield* input;
  });
  // @ts-expect-error a duplex routine answers with a stream
  duplexRoutine("f", (input: AsyncIterable<number>) => Promise.resolve(input === undefined));
  // @ts-expect-error a duplex routine cannot be sent functions
  duplexRoutine("f", async function* (input: AsyncIterable<() => void>) {
    for await (const f of input) yield f === undefined;
  });
}

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
interface Tree {
  readonly name: string;
  readonly children: readonly Tree[];
}

export function anyStandardSchemaFits(theirs: StandardSchemaV1<string, number>): void {
  const counted = routine("count", { input: theirs }, (n) => n + 1);
  same<Equal<typeof counted, Routine<(input: string) => number, "unary">>>();
}

export async function recursiveTypesTravel(): Promise<void> {
  const echo = routine("json.echo", (json: Json) => json);
  const grow = routine("tree.grow", (tree: Tree): Tree => tree);
  const json = await caller.call(echo, [{ a: [1, "b", null] }]);
  const tree = await caller.call(grow, [{ name: "root", children: [] }]);
  same<Equal<typeof json, Json>>();
  same<Equal<typeof tree, Tree>>();
}
