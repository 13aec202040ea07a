import assert from "node:assert/strict";
import {
  AllWorkersFailed,
  AuthorizationError,
  ConfigurationError,
  DeadlineExceeded,
  HandshakeError,
  NoWorkersAvailable,
  RoutineError,
  UnknownRoutine,
  WorkerUnavailable,
} from "../errors/mod.ts";
import { exitCodeOf, failureOf } from "./failure.ts";

const worker = { address: "10.0.0.1:8443" };
const refused = new HandshakeError({
  side: "dispatcher",
  reason: "identity-mismatch",
  worker,
  evidence: { expected: ["spiffe://a/worker"], presented: ["spiffe://b/worker"] },
});
const away = new WorkerUnavailable("gone", { worker, notBegun: true });
const threw = new RoutineError("math.add", {
  remoteName: "RangeError",
  message: "too large",
  data: { limit: 7 },
});

Deno.test("exitCodeOf() reports each kind of failure by its number", () => {
  assert.equal(exitCodeOf(threw), 1);
  assert.equal(exitCodeOf(new ConfigurationError("no")), 2);
  assert.equal(exitCodeOf(new NoWorkersAvailable("none")), 3);
  assert.equal(exitCodeOf(refused), 4);
  assert.equal(exitCodeOf(new AuthorizationError("no", { rule: "default-deny" })), 5);
  assert.equal(exitCodeOf(away), 6);
  assert.equal(exitCodeOf(new DeadlineExceeded(5)), 7);
});

Deno.test("exitCodeOf() takes the number that all workers share, and 6 where they differ", () => {
  const both = (first: Error, second: Error) =>
    new AllWorkersFailed([{ worker, error: first }, { worker, error: second }]);
  assert.equal(exitCodeOf(both(refused, refused)), 4);
  assert.equal(exitCodeOf(both(refused, away)), 6);
});

Deno.test("failureOf() names the error and its reason before all else", () => {
  const text = JSON.stringify(failureOf(refused));
  assert.ok(text.startsWith('{"error":"HandshakeError","reason":"identity-mismatch",'), text);
  assert.deepEqual(JSON.parse(text).evidence.presented, ["spiffe://b/worker"]);
});

Deno.test("failureOf() reports what a routine threw", () => {
  assert.deepEqual(failureOf(threw), {
    error: "RoutineError",
    routine: "math.add",
    thrown: "RangeError",
    data: { limit: 7 },
    message: "too large",
  });
});

Deno.test("failureOf() reports every worker's own failure", () => {
  const all = failureOf(new AllWorkersFailed([{ worker, error: refused }]));
  assert.equal(all["handshakeOnly"], true);
  assert.equal((all["failures"] as { reason: string }[])[0]?.reason, "identity-mismatch");
});

Deno.test("failureOf() makes one line of whatever was thrown", () => {
  assert.deepEqual(failureOf("oops"), { error: "Error", message: "oops" });
});

Deno.test("failureOf() shows what caused what a routine threw", () => {
  const cause = new TypeError("inner", { cause: "disk full" });
  const caused = new RoutineError("a.b", { remoteName: "E", message: "outer", data: {}, cause });
  assert.deepEqual(failureOf(caused), {
    error: "RoutineError",
    routine: "a.b",
    thrown: "E",
    cause: { error: "TypeError", message: "inner", cause: "disk full" },
    message: "outer",
  });
  const nested = new RoutineError("a.c", { remoteName: "E", message: "", data: {}, cause: caused });
  const { cause: shown } = failureOf(nested) as { cause: { routine: string } };
  assert.equal(shown.routine, "a.b");
});

Deno.test("failureOf() says of an unknown routine what to ask where no name is near", () => {
  const far = failureOf(new UnknownRoutine("math.nope"));
  assert.equal(far["advice"], "selvage describe prints what is served");
  const near = failureOf(new UnknownRoutine("math.ad", "math.add"));
  assert.deepEqual([near["nearest"], near["advice"]], ["math.add", undefined]);
});
