import assert from "node:assert/strict";
import { Ending } from "./ending.ts";
import { onAbort } from "./on_abort.ts";

Deno.test("Ending calls each listener once, and none that was taken off or comes later", () => {
  const ending = new Ending();
  const called: string[] = [];
  using _first = onAbort(ending, () => called.push("first"));
  onAbort(ending, () => called.push("left"))[Symbol.dispose]();
  using _second = onAbort(ending, () => called.push("second"));
  assert.equal(ending.aborted, false);
  ending.abort();
  assert.equal(ending.aborted, true);
  ending.abort();
  using _late = onAbort(ending, () => called.push("late"));
  assert.deepEqual(called, ["first", "second"]);
});

Deno.test("Ending calls no listener that one before it takes off, as an AbortSignal does not", () => {
  const ending = new Ending();
  const controller = new AbortController();
  for (const end of [{ signal: ending, abort: () => ending.abort() }, controller]) {
    const called: string[] = [];
    using _first = onAbort(end.signal, () => {
      called.push("first");
      second[Symbol.dispose]();
    });
    const second = onAbort(end.signal, () => called.push("second"));
    using _third = onAbort(end.signal, () => called.push("third"));
    end.abort();
    assert.deepEqual(called, ["first", "third"]);
  }
});

Deno.test("Ending has the reason that it was ended with, else an AbortError", () => {
  const [given, none] = [new Ending(), new Ending()];
  const reason = new RangeError("too far");
  given.abort(reason);
  given.abort(new Error("later"));
  assert.deepEqual([none.reason], [undefined]);
  none.abort();
  assert.equal(given.reason, reason);
  assert.equal(none.reason, none.reason);
  assert.equal((none.reason as DOMException).name, "AbortError");
});
