import assert from "node:assert/strict";
import { nameDialFailure } from "./dial_failure.ts";

Deno.test("nameDialFailure() says what the code of a connection that failed means", () => {
  const why = (code: string): string => {
    const failure = {
      ok: false,
      stage: "connect",
      timedOut: false,
      code,
      firstBytes: NOTHING,
    } as const;
    return nameDialFailure(failure, CONTEXT).message.replace("worker w:1 cannot be reached: ", "");
  };
  assert.equal(why("ECONNREFUSED"), "ECONNREFUSED, nothing listens there");
  assert.equal(why("ENOTFOUND"), "ENOTFOUND, its name has no address");
  assert.equal(why("EHOSTUNREACH"), "EHOSTUNREACH, no route leads to that host");
  assert.equal(why("ENOENT"), "ENOENT, there is no such socket");
  assert.equal(why("EOTHER"), "EOTHER");
});

const NOTHING = new Uint8Array(0);
const CONTEXT = {
  worker: { address: "w:1" },
  called: "worker",
  own: undefined,
  timeoutMs: 1_000,
  now: Date.now,
};
