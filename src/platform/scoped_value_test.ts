import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import process from "node:process";
import { scopedValue, scopeHere, StoredValue } from "./scoped_value.ts";

/** Calls back in each way in which a program puts something off. */
const LATER: Record<string, (callback: () => void) => void> = {
  "a timer": (callback) => setTimeout(callback, 0),
  "setImmediate": (callback) => setImmediate(callback),
  "nextTick": (callback) => process.nextTick(callback),
  "a microtask": (callback) => queueMicrotask(callback),
  "a promise": (callback) => void Promise.resolve().then(callback),
};

for (
  const [path, value] of [
    ["scopedValue()", scopedValue<string>("selvage.test")],
    ["StoredValue", new StoredValue<string>("selvage.test.stored")],
  ] as const
) {
  for (const [name, later] of Object.entries(LATER)) {
    Deno.test(`${path} is found in ${name} that was put off, whatever ran since`, async () => {
      const seen: unknown[] = [];
      const wait = () => new Promise<void>((resolve) => later(() => resolve(void see())));
      const see = () => seen.push(value.get());
      const waits = ["a", "b"].map((text) => value.run(text, wait));
      assert.equal(value.get(), undefined);
      await Promise.all([...waits, wait()]);
      assert.deepEqual(seen, ["a", "b", undefined]);
    });
  }

  Deno.test(`${path} is the outer one again after an inner one, also where that throws`, () => {
    value.run("outer", () => {
      assert.throws(() =>
        value.run("inner", () => {
          throw new Error(value.get());
        }), /inner/);
      assert.equal(value.get(), "outer");
    });
    assert.equal(value.get(), undefined);
  });

  Deno.test(`${path} and values of a program's own leave each other alone`, async () => {
    const own = new AsyncLocalStorage<string>();
    const both = async () => {
      await Promise.resolve();
      return [value.get(), own.getStore()];
    };
    assert.deepEqual(await value.run("a", () => own.run("own", both)), ["a", "own"]);
    assert.deepEqual(await own.run("own", () => value.run("a", both)), ["a", "own"]);
    const within = value.run("a", () => AsyncLocalStorage.snapshot());
    assert.deepEqual(await value.run("b", () => within(both)), ["a", undefined]);
  });

  Deno.test(`${path} of another name is another`, () => {
    const other = path === "StoredValue"
      ? new StoredValue<string>("selvage.test.other")
      : scopedValue<string>("selvage.test.other");
    value.run("a", () => {
      assert.equal(other.get(), undefined);
      other.run("b", () => assert.deepEqual([value.get(), other.get()], ["a", "b"]));
    });
  });
}

Deno.test("scopeHere() holds all that is in force, for as long as a function runs within it, also where that throws", () => {
  const own = scopedValue<string>("selvage.test.here");
  const other = new AsyncLocalStorage<string>();
  const see = () => [own.get(), other.getStore()];
  const inner = own.run("own", () => other.run("other", () => scopeHere()))!;
  assert.deepEqual(see(), [undefined, undefined]);
  assert.deepEqual(inner.run(see), ["own", "other"]);
  own.run("outer", () => {
    assert.deepEqual(inner.run(see), ["own", "other"]);
    assert.throws(() =>
      inner.run(() => {
        throw new RangeError("within");
      }), RangeError);
    assert.deepEqual(see(), ["outer", undefined]);
  });
  assert.deepEqual(scopeHere()?.run(see) ?? see(), [undefined, undefined]);
});
