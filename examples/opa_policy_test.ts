import assert from "node:assert/strict";
import { AuthorizationError } from "../mod.ts";
import { routine } from "../src/contract/mod.ts";
import { inMemory } from "../src/testing/mod.ts";
import { opaPolicy } from "./opa_policy.ts";

const WASM = new URL("./opa_policy.wasm", import.meta.url);

Deno.test("a compiled Rego policy decides about calls, and names the rules of denials", async () => {
  let ran = 0;
  const add = routine("math.add", () => ++ran);
  const drop = routine("math.drop", () => ++ran);
  const policy = await opaPolicy(await Deno.readFile(WASM));
  const options = { routines: [add, drop], policy };
  await using ours = await inMemory({ ...options, as: "spiffe://example.org/batch/a" });
  await using others = await inMemory({ ...options, as: "spiffe://example.com/batch/a" });
  assert.equal(await ours.dispatcher.call(add, []), 1);
  const denied = [
    [ours, drop, "never drop"],
    [others, add, "no rule allows it"],
    [others, drop, "never drop"],
  ] as const;
  for (const [{ dispatcher }, called, rule] of denied) {
    await assert.rejects(dispatcher.call(called, []), (error) => {
      assert.ok(error instanceof AuthorizationError, String(error));
      assert.equal(error.rule, rule);
      return true;
    });
  }
  assert.equal(ran, 1);
  const decision = await policy.authorize({
    peer: { identity: undefined, names: [], address: "127.0.0.1:1" },
    claims: { groups: ["dev", "admin"] },
    routine: "db.read",
    method: "selvage.v1.WorkerService/Call",
    tags: [],
    headers: new Headers(),
    signal: new AbortController().signal,
  });
  assert.deepEqual(decision, { allow: true, rule: "admins" });
});
