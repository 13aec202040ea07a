import assert from "node:assert/strict";
import { ConfigurationError } from "../errors/mod.ts";
import { type CallContext, currentCall, enclosingCall, iterateInCall, runInCall } from "./mod.ts";

function contextOf(id: string): CallContext {
  return { id, tags: [] } as unknown as CallContext;
}

Deno.test("currentCall() is the call that is served, across awaits", async () => {
  const id = await runInCall(contextOf("a"), async () => {
    await Promise.resolve();
    return currentCall().id;
  });
  assert.equal(id, "a");
});

Deno.test("currentCall() keeps calls that are served at once apart", async () => {
  const ids = await Promise.all(["a", "b"].map((id) =>
    runInCall(contextOf(id), async () => {
      await Promise.resolve();
      return currentCall().id;
    })
  ));
  assert.deepEqual(ids, ["a", "b"]);
});

Deno.test("currentCall() throws outside of a routine", () => {
  assert.equal(enclosingCall(), undefined);
  assert.throws(() => currentCall(), ConfigurationError);
});

Deno.test("currentCall() is shared by copies of the package in one process", async () => {
  const copy = await import(`${new URL("./call_context.ts", import.meta.url)}?copy`);
  assert.notEqual(copy.currentCall, currentCall);
  assert.equal(runInCall(contextOf("a"), () => copy.currentCall().id), "a");
});

Deno.test("iterateInCall() makes currentCall() right in a generator's body and its finally", async () => {
  const seen: string[] = [];
  async function* body() {
    try {
      for (;;) {
        seen.push(`body ${currentCall().id}`);
        await Promise.resolve();
        yield 1;
      }
    } finally {
      await Promise.resolve();
      seen.push(`finally ${currentCall().id}`);
    }
  }
  let reads = 0;
  await runInCall(contextOf("other"), async () => {
    for await (const _ of iterateInCall(contextOf("mine"), body())) if (++reads === 2) break;
  });
  assert.deepEqual(seen, ["body mine", "body mine", "finally mine"]);
});

Deno.test("iterateInCall() starts nothing before the first item is asked for", async () => {
  let started = false;
  const items = iterateInCall(
    contextOf("a"),
    function* () {
      started = true;
      yield 1;
    }(),
  );
  assert.equal(started, false);
  assert.deepEqual(await items.next(), { done: false, value: 1 });
  assert.deepEqual(await items.next(), { done: true, value: undefined });
});
