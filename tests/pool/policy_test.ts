/** The policy of spawned workers decides about every kind of call, and is swapped while they run. */
import assert from "node:assert/strict";
import { AuthorizationError, ConfigurationError } from "../../src/errors/mod.ts";
import type { EventStream, SelvageEvent } from "../../src/observe/mod.ts";
import type { Policy } from "../../src/policy/mod.ts";
import { WorkerPool } from "../../src/pool/mod.ts";
import { add, count, further, processId, sums } from "./routines.ts";
import { square } from "./thread_routines.ts";

const modules = ["./routines.ts", "./thread_routines.ts"].map((one) =>
  new URL(one, import.meta.url)
);

async function emitted(events: EventStream, type: SelvageEvent["type"]): Promise<void> {
  for await (const event of events) if (event.type === type) return;
}

/** Each way to call a spawned worker. */
const CALLS: readonly (readonly [string, (pool: WorkerPool) => Promise<unknown>, unknown])[] = [
  ["pool.add", (pool) => pool.call(add, [1, 2]), 3],
  ["pool.count", (pool) => Array.fromAsync(pool.stream(count, [2])), [1, 2]],
  ["pool.sums", (pool) => Array.fromAsync(pool.duplex(sums, [1, 2], [])), [1, 3]],
  ["pool.square", (pool) => pool.call(square, [3]), 9],
];

Deno.test("WorkerPool serves under the policy of spawn, in every kind of call", async () => {
  const names = CALLS.map(([name]) => name);
  const folder = await Deno.makeTempDir();
  try {
    const policy = `${folder}/policy.jsonc`;
    const write = async (what: Policy) => {
      await Deno.writeTextFile(`${policy}.new`, JSON.stringify(what));
      await Deno.rename(`${policy}.new`, policy);
    };
    await write({ rules: [{ name: "pool", effect: "allow", who: ["*"], what: names }] });
    await using pool = await WorkerPool.open({ spawn: { count: 1, modules, policy } });
    using events = pool.events();
    for (const [name, call, result] of CALLS) assert.deepEqual(await call(pool), result, name);
    await assert.rejects(pool.call(processId, []), AuthorizationError);

    await write({ rules: [{ name: "closed", effect: "deny", what: names }] });
    await emitted(events, "policy.changed");
    for (const [name, call] of CALLS) {
      await assert.rejects(call(pool), { name: "AuthorizationError", rule: "closed" }, name);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("WorkerPool's routines call their own worker as anonymous under a policy in code", async () => {
  const rules = [{ effect: "allow", who: ["*"] }] as const;
  const open = (policy: Policy) =>
    WorkerPool.open({ spawn: { count: 1, modules: [modules[0]!], threads: 0, policy } });
  await using closed = await open({ rules });
  await assert.rejects(closed.call(further, []), { name: "RoutineError" });
  await using opened = await open({
    rules: [...rules, { effect: "allow", who: ["anonymous"], what: ["pool.parentage"] }],
  });
  assert.equal((await opened.call(further, [])).childOfThis, true);
});

Deno.test("WorkerPool refuses a function as policy, and rules that are not valid, before it spawns", async () => {
  const wrong: readonly unknown[] = [
    { authorize: () => true },
    { rules: [{ effect: "alow" }] },
    { rules: [{ effect: "allow", claims: { a: 1 } }] },
  ];
  for (const policy of wrong) {
    await assert.rejects(
      WorkerPool.open({ spawn: { count: 1, modules, policy: policy as Policy } }),
      ConfigurationError,
    );
  }
});
