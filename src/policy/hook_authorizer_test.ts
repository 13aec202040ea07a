import assert from "node:assert/strict";
import type { AuthorizeAnswer, PolicyCall } from "./authorizer.ts";
import { HookAuthorizer } from "./hook_authorizer.ts";

const CALL: PolicyCall = {
  subject: { identity: undefined, claims: undefined },
  name: "math.add",
  tags: [],
  routine: "math.add",
  method: "selvage.v1.WorkerService/Call",
  headers: new Headers(),
  address: "127.0.0.1:1",
};

const hostile = {
  get allow(): boolean {
    throw new Error("no answer");
  },
};

/** What a hook may answer, and what that decides. */
const ANSWERS: readonly (readonly [string, unknown, boolean, string])[] = [
  ["true", true, true, "hook"],
  ["false", false, false, "hook"],
  ["nothing", undefined, false, "hook"],
  ["null", null, false, "hook"],
  ["1", 1, false, "hook"],
  ["a text", "allow", false, "hook"],
  ["an object without allow", {}, false, "hook"],
  ["allow that is a text", { allow: "true" }, false, "hook"],
  ["a named rule", { allow: true, rule: "r" }, true, "r"],
  ["a rule that is no text", { allow: true, rule: 1 }, true, "hook"],
  ["a long rule", { allow: false, rule: "r".repeat(1_000) }, false, "r".repeat(128)],
  ["a promise", Promise.resolve({ allow: false, rule: "r" }), false, "r"],
  [
    "a promise of an engine's own",
    { then: (done: (a: boolean) => void) => done(true) },
    true,
    "hook",
  ],
  ["an answer that throws", hostile, false, "hook-failed"],
  ["a promise of one", Promise.resolve(hostile), false, "hook-failed"],
];

for (const [about, answer, allowed, rule] of ANSWERS) {
  Deno.test(`HookAuthorizer decides by ${about}`, async () => {
    const failures: unknown[] = [];
    const hook = { authorize: () => answer as AuthorizeAnswer };
    const authorizer = new HookAuthorizer(hook, (error) => failures.push(error));
    assert.deepEqual(await authorizer.decide(CALL), { allowed, rule });
    assert.equal(failures.length, rule === "hook-failed" ? 1 : 0);
  });
}

Deno.test("HookAuthorizer refuses a timeout that a timer cannot keep", () => {
  for (const timeoutMs of [0, -1, NaN, Infinity, 2 ** 31]) {
    assert.throws(() => new HookAuthorizer({ authorize: () => true, timeoutMs }, () => {}), {
      name: "ConfigurationError",
      setting: "policy",
    });
  }
});
