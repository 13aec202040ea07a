import assert from "node:assert/strict";
import {
  AllWorkersFailed,
  AuthenticationError,
  AuthorizationError,
  ConfigurationError,
  DeadlineExceeded,
  HandshakeError,
  InvalidPayload,
  isPeerReason,
  NoWorkersAvailable,
  Overloaded,
  RoutineError,
  SELVAGE_ERROR,
  SelvageError,
  UnknownRoutine,
  WorkerUnavailable,
} from "./mod.ts";

const worker = { address: "127.0.0.1:8443" };

const expired = new HandshakeError({
  side: "dispatcher",
  reason: "certificate-expired",
  worker,
  evidence: { found: "it ended yesterday", advice: "renew the worker's certificate" },
});

const refused = new HandshakeError({
  side: "worker",
  reason: "client-certificate-refused",
  peerReason: "subject-not-allowed",
  worker,
  evidence: {},
});

const lost = new WorkerUnavailable("connection refused", { worker, notBegun: true });

Deno.test("SelvageError recognises every error of ours, the AggregateError included", () => {
  const ours: Error[] = [
    expired,
    lost,
    new NoWorkersAvailable("none"),
    new AllWorkersFailed([{ worker, error: lost }]),
    new Overloaded("full"),
    new AuthenticationError("no token", { reason: "token-missing" }),
    new AuthorizationError("no", { rule: "default-deny" }),
    new RoutineError("math.add", { remoteName: "RangeError", message: "too far", data: {} }),
    new UnknownRoutine("math.ad", "math.add"),
    new InvalidPayload("a cycle", { path: "arguments[0]" }),
    new DeadlineExceeded(500),
    new ConfigurationError("empty", { setting: "ca" }),
  ];
  for (const error of ours) {
    assert.ok(error instanceof SelvageError, error.name);
    assert.ok(error instanceof Error, error.name);
    assert.equal(error.name, error.constructor.name);
    assert.match(String(error), new RegExp(`^${error.name}: `));
  }
  assert.ok(new AllWorkersFailed([]) instanceof AggregateError);
});

Deno.test("SelvageError recognises an error of another copy of the package", () => {
  const foreign = Object.assign(new Error("from elsewhere"), {
    [Symbol.for("selvage.error")]: true,
  });
  assert.ok(foreign instanceof SelvageError);
  assert.equal(SELVAGE_ERROR, Symbol.for("selvage.error"));
});

Deno.test("SelvageError and its classes do not claim what is not theirs", () => {
  for (const value of [new Error("x"), new AggregateError([]), null, undefined, "x", {}]) {
    assert.ok(!((value as unknown) instanceof SelvageError));
  }
  assert.ok(!((lost as Error) instanceof HandshakeError));
  assert.ok(!((new AllWorkersFailed([]) as Error) instanceof NoWorkersAvailable));
});

Deno.test("AllWorkersFailed keeps every worker's own error and sums them up", () => {
  const other = { address: "127.0.0.1:8444", id: "w2" };
  const error = new AllWorkersFailed([
    { worker, error: expired },
    { worker: other, error: lost },
    { worker: other, error: lost },
  ]);
  assert.deepEqual(error.errors, [expired, lost, lost]);
  assert.equal(error.failures[1]?.worker.id, "w2");
  assert.equal(
    error.message,
    "none of 3 workers took the call: 1 certificate-expired, 2 WorkerUnavailable; the first: " +
      expired.message,
  );
  assert.match(expired.message, /renew/);
});

Deno.test("AllWorkersFailed.handshakeOnly holds only where every worker failed in its handshake", () => {
  assert.ok(
    new AllWorkersFailed([{ worker, error: expired }, { worker, error: refused }])
      .handshakeOnly,
  );
  assert.ok(
    !new AllWorkersFailed([{ worker, error: expired }, { worker, error: lost }])
      .handshakeOnly,
  );
  assert.ok(!new AllWorkersFailed([]).handshakeOnly);
});

Deno.test("AllWorkersFailed stays short however many kinds of failure there are", () => {
  const failures = Array.from({ length: 500 }, (_, index) => ({
    worker,
    error: Object.assign(new Error("x"), { name: `Kind${index}\n${"y".repeat(1000)}` }),
  }));
  const { message } = new AllWorkersFailed(failures);
  assert.ok(message.length < 6000);
  assert.ok(message.endsWith("and 484 other kinds; the first: x"));
  assert.ok(!message.includes("\n"));
});

Deno.test("HandshakeError says which worker, why, what was found and what to do", () => {
  assert.equal(
    expired.message,
    "handshake with worker 127.0.0.1:8443 failed: certificate-expired; " +
      "it ended yesterday; renew the worker's certificate",
  );
  assert.equal(
    refused.message,
    "handshake with worker 127.0.0.1:8443 failed: client-certificate-refused (subject-not-allowed)",
  );
  assert.equal(refused.side, "worker");
  assert.equal(refused.peerReason, "subject-not-allowed");
  assert.equal(expired.peerReason, undefined);
});

Deno.test("messages escape and cap what a peer made of them", () => {
  const hostile = `x\r\n\u001b[2J${"y".repeat(100_000)}`;
  const messages = [
    new HandshakeError({
      side: "dispatcher",
      reason: "identity-mismatch",
      worker: { address: hostile },
      evidence: { found: hostile, advice: hostile },
    }).message,
    new UnknownRoutine(hostile, hostile).message,
    new RoutineError("a", { remoteName: hostile, message: "m", data: {} }).remoteName,
  ];
  for (const message of messages) {
    // deno-lint-ignore no-control-regex -- control characters are what must not be there
    assert.doesNotMatch(message, /[\u0000-\u001f]/);
    assert.ok(message.length < 2600, String(message.length));
    assert.ok(message.includes("x\\r\\n\\u001b[2J"));
  }
});

Deno.test("RoutineError carries what the routine threw, and its cause", () => {
  const cause = new TypeError("inner");
  const error = new RoutineError("math.root", {
    remoteName: "RangeError",
    message: "negative",
    data: { given: -1 },
    cause,
    remoteStack: "RangeError: negative\n    at root",
  });
  assert.equal(error.message, "negative");
  assert.equal(error.remoteName, "RangeError");
  assert.deepEqual(error.data, { given: -1 });
  assert.equal(error.cause, cause);
  assert.match(error.remoteStack ?? "", /at root/);
  const bare = new RoutineError("a", { remoteName: "Error", message: "", data: {} });
  assert.ok(!("cause" in bare));
  assert.equal(bare.remoteStack, undefined);
});

Deno.test("UnknownRoutine names the nearest routine where there is one", () => {
  assert.equal(
    new UnknownRoutine("math.ad", "math.add").message,
    'no routine "math.ad" is served here; did you mean "math.add"?',
  );
  assert.equal(new UnknownRoutine("zzz").message, 'no routine "zzz" is served here');
});

Deno.test("isPeerReason() accepts what a refusal may say and nothing else", () => {
  for (const word of ["untrusted-authority", "subject-not-allowed", "certificate-denied"]) {
    assert.ok(isPeerReason(word));
  }
  for (const word of ["handshake-timeout", "", "__proto__", 1, null, {}]) {
    assert.ok(!isPeerReason(word));
  }
});
