import { ok, strictEqual } from "node:assert/strict";
import { readingTime, readTogether } from "./reading_time.ts";

/** The clock has moved on when this returns. */
function wait(): void {
  for (const start = performance.now(); performance.now() === start;);
}

Deno.test("readingTime stands still while what arrived together is read", () => {
  const before = performance.now();
  readTogether(() => {
    const first = readingTime();
    ok(first >= before);
    wait();
    strictEqual(readingTime(), first);
  });
});

Deno.test("readingTime is another for what is read later", () => {
  const times: number[] = [];
  for (let n = 0; n < 2; n++) {
    readTogether(() => times.push(readingTime()));
    wait();
  }
  ok(times[1]! > times[0]!);
});

Deno.test("readingTime is the time where nothing is read, also after reading has thrown", () => {
  try {
    readTogether(() => {
      readingTime();
      throw new Error("of the peer");
    });
  } catch {
    // As expected.
  }
  const first = readingTime();
  wait();
  ok(readingTime() > first);
});

Deno.test("readingTime is the time after a reading within another has ended", () => {
  readTogether(() => {
    const first = readingTime();
    readTogether(() => {});
    wait();
    ok(readingTime() > first);
  });
});
