import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import type { Steps } from "../identity/mod.ts";
import { VerdictTurns } from "./verdict_turns.ts";

const holding = { atOnce: () => true, soon: () => true };

function* counted(name: string, steps: number, log: string[]): Steps<string> {
  for (let i = 1; i < steps; i++) {
    log.push(name);
    yield holding;
  }
  log.push(name);
  return name;
}

Deno.test("VerdictTurns takes one step a turn of the loop, and verdicts in turn", async () => {
  const turns = new VerdictTurns();
  const log: string[] = [];
  const costly = turns.take(counted("costly", 4, log));
  const cheap = turns.take(counted("cheap", 1, log));
  assert.deepEqual(log, [], "nothing within the turn that asks");
  assert.equal(await cheap, "cheap");
  assert.deepEqual(log, ["costly", "cheap"]);
  const before = log.length;
  await setImmediate();
  assert(log.length <= before + 1);
  assert.equal(await costly, "costly");
  assert.equal(turns.size, 0);
});

Deno.test("VerdictTurns takes the verdict with the fewest steps next, however many costly ones wait", async () => {
  const turns = new VerdictTurns();
  const log: string[] = [];
  const costly = Array.from({ length: 20 }, (_, i) => turns.take(counted(`costly ${i}`, 9, log)));
  await setImmediate();
  const ordinary = turns.take(counted("ordinary", 3, log));
  await ordinary;
  // Each of the others has taken no more steps than it.
  assert(log.length <= 21 * 3, String(log.length));
  await Promise.all(costly);
});

Deno.test("VerdictTurns drops what nobody wants any more", async () => {
  const turns = new VerdictTurns();
  const log: string[] = [];
  let wanted = true;
  void turns.take(counted("unwanted", 100, log), () => wanted);
  await turns.take(counted("other", 1, log));
  wanted = false;
  await turns.take(counted("last", 1, log));
  await setImmediate();
  await setImmediate();
  assert(log.filter((name) => name === "unwanted").length <= 2);
  assert.equal(turns.size, 0);
});

Deno.test("VerdictTurns hands on what a verdict throws, and goes on", async () => {
  const turns = new VerdictTurns();
  const broken = turns.take(
    // deno-lint-ignore require-yield -- it fails in its first step.
    function* (): Steps<never> {
      throw new TypeError("broken");
    }(),
  );
  await assert.rejects(broken, /broken/);
  assert.equal(await turns.take(counted("next", 2, [])), "next");
});

Deno.test("VerdictTurns takes no other step while a check is made beside the loop", async () => {
  const turns = new VerdictTurns();
  const log: string[] = [];
  const outcome = Promise.withResolvers<boolean>();
  const begun = Promise.withResolvers<void>();
  const soon = () => {
    begun.resolve();
    return outcome.promise;
  };
  const costly = turns.take(function* (): Steps<boolean> {
    return yield { atOnce: () => false, soon };
  }());
  await begun.promise;
  const other = turns.take(counted("other", 1, log));
  await setImmediate();
  await setImmediate();
  assert.deepEqual(log, []);
  outcome.resolve(true);
  assert.equal(await costly, true);
  assert.equal(await other, "other");
});

for (
  const [how, soon] of [
    ["throws", () => {
      throw new TypeError("broken");
    }],
    ["rejects", () => Promise.reject(new TypeError("broken"))],
  ] as const
) {
  Deno.test(`VerdictTurns takes a check that ${how} for a signature that does not hold, and goes on`, async () => {
    const turns = new VerdictTurns();
    const holds = await turns.take(function* (): Steps<boolean> {
      return yield { atOnce: () => true, soon };
    }());
    assert.equal(holds, false);
    assert.equal(await turns.take(counted("next", 2, [])), "next");
  });
}

Deno.test("VerdictTurns resolves nothing that nobody wants any more when its check has been made", async () => {
  const turns = new VerdictTurns();
  const outcome = Promise.withResolvers<boolean>();
  let wanted = true;
  let resolved = false;
  turns.take(
    function* (): Steps<boolean> {
      return yield { atOnce: () => true, soon: () => outcome.promise };
    }(),
    () => wanted,
  ).then(() => resolved = true);
  await setImmediate();
  await setImmediate();
  wanted = false;
  outcome.resolve(true);
  await turns.take(counted("next", 1, []));
  assert.equal(resolved, false);
});
