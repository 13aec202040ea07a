import assert from "node:assert/strict";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import fc from "../../../tests/support/fast_check.ts";
import {
  AllWorkersFailed,
  AuthenticationError,
  AuthorizationError,
  ConfigurationError,
  DeadlineExceeded,
  HandshakeError,
  InvalidPayload,
  NoWorkersAvailable,
  Overloaded,
  RoutineError,
  UnknownRoutine,
  WorkerUnavailable,
} from "../../errors/mod.ts";
import { FailureSchema } from "../../gen/mod.ts";
import { CODES, failureInDetails, fromConnectError, toConnectError } from "./connect_error.ts";
import { readFailure } from "./read_failure.ts";
import { routineError, type SentOfThrown } from "./thrown.ts";
import { writeFailure } from "./write_failure.ts";

const worker = { address: "10.0.0.1:8443", id: "w-1" };
const call = { routine: "math.add", worker, timeoutMs: 500 };
const handshake = new HandshakeError({
  side: "worker",
  reason: "client-certificate-refused",
  peerReason: "subject-not-allowed",
  worker,
  evidence: { found: "it is a/b", advice: "allow it", expected: ["a/*"], presented: ["b"] },
});
const ours = [
  handshake,
  new NoWorkersAvailable("discovery found none"),
  new AllWorkersFailed([
    { worker, error: handshake },
    { worker: { address: "x:1" }, error: new Overloaded("full") },
  ]),
  new WorkerUnavailable("gone", { worker, notBegun: true, cause: new RangeError("x") }),
  new AuthenticationError("expired", { reason: "token-expired" }),
  new AuthorizationError("no", { rule: "default-deny" }),
  new UnknownRoutine("math.ad", "math.add"),
  new InvalidPayload("bad", { path: "arguments[0].when" }),
  new Overloaded("full"),
  new DeadlineExceeded(500),
  new ConfigurationError("wrong", { setting: "threads" }),
];

function throughWire(error: unknown): Error | undefined {
  const failure = writeFailure(error);
  if (failure === undefined) return undefined;
  return readFailure(fromBinary(FailureSchema, toBinary(FailureSchema, failure)));
}

const ALL: SentOfThrown = { sendStack: true, sendErrorData: true };

/** What a routine threw, as its caller gets it. */
function thrownThrough(thrown: unknown, sent?: SentOfThrown): RoutineError {
  const error = throughWire(routineError("math.add", thrown, sent));
  assert(error instanceof RoutineError);
  return error;
}

for (const error of ours) {
  Deno.test(`readFailure() rebuilds ${error.name} as it was`, () => {
    const rebuilt = throughWire(error);
    assert.equal(rebuilt?.constructor, error.constructor);
    assert.deepEqual({ ...rebuilt, message: rebuilt?.message }, {
      ...error,
      message: error.message,
    });
  });

  Deno.test(`toConnectError() gives ${error.name} its code, and fromConnectError() takes it back`, () => {
    const sent = toConnectError(error);
    assert.equal(sent.code, CODES[error.name]);
    assert.equal(sent.cause, error);
    const rebuilt = fromConnectError(received(sent), call);
    assert.equal(rebuilt.constructor, error.constructor);
    assert.equal(rebuilt.message, error.message);
  });

  Deno.test(`routineError() makes ${error.name}, thrown in a routine, the cause`, () => {
    const { cause, remoteName, message } = thrownThrough(error);
    assert.equal(remoteName, error.name);
    assert.equal(message, error.message);
    assert.equal((cause as Error).constructor, error.constructor);
  });
}

/** The error as a client sees it: details in their wire form. */
function received(sent: ConnectError): ConnectError {
  const error = new ConnectError(sent.rawMessage, sent.code);
  error.details = sent.details.map((detail) => {
    assert("desc" in detail);
    return { type: detail.desc.typeName, value: toBinary(FailureSchema, detail.value as never) };
  });
  return error;
}

Deno.test("routineError() keeps name, message, cause and data of what a routine threw", () => {
  const cause = Object.assign(new TypeError("inner"), { code: 7, when: new Date(5) });
  const thrown = Object.assign(new RangeError("outer\nline", { cause }), { path: ["a"], n: 1n });
  const error = thrownThrough(thrown, { sendErrorData: true });
  assert.equal(error.routine, "math.add");
  assert.equal(error.remoteName, "RangeError");
  assert.equal(error.message, "outer\nline");
  assert.deepEqual(error.data, { path: ["a"], n: 1n });
  const rebuilt = error.cause as TypeError & { code: number; when: Date };
  assert(rebuilt instanceof TypeError);
  assert.equal(rebuilt.message, "inner");
  assert.equal(rebuilt.code, 7);
  assert.deepEqual(rebuilt.when, new Date(5));
});

Deno.test("routineError() keeps the name of an error class of the routine's own", () => {
  class QuotaError extends Error {
    override readonly name = "QuotaError";
    readonly limit = 5;
  }
  const thrown = new Error("x", { cause: new QuotaError("over") });
  const error = thrownThrough(thrown, { sendErrorData: true });
  assert.equal((error.cause as Error).name, "QuotaError");
  assert.equal((error.cause as QuotaError).limit, 5);
  assert.equal(thrownThrough(new QuotaError("over")).remoteName, "QuotaError");
});

Deno.test("routineError() carries a thrown value that is no error as its cause", () => {
  assert.deepEqual(thrownThrough({ code: 5 }, { sendErrorData: true }).cause, { code: 5 });
  assert.equal(thrownThrough({ code: 5 }).cause, undefined);
  assert.equal(thrownThrough("no").cause, "no");
  assert.equal(thrownThrough(undefined).cause, undefined);
  assert.equal(thrownThrough(() => 1).cause, undefined);
});

Deno.test("routineError() sends the stack only where it may", () => {
  assert.equal(thrownThrough(new Error("x")).remoteStack, undefined);
  assert.match(
    thrownThrough(new Error("x"), { sendStack: true }).remoteStack ?? "",
    /failure_test/,
  );
  const caused = new Error("x", { cause: new Error("y") });
  const cause = thrownThrough(caused, { sendStack: true }).cause as Error;
  assert.equal(cause.stack, "Error: y");
});

Deno.test("routineError() sends code, errno and status of what was thrown, and no other data", () => {
  const data = { code: "ECONNREFUSED", errno: -111, status: 503 };
  const thrown = () => Object.assign(new Error("x"), data, { path: "/srv/key", request: {} });
  assert.deepEqual(thrownThrough(thrown()).data, data);
  const { cause } = thrownThrough(new Error("outer", { cause: thrown() }));
  assert.deepEqual({ ...cause as object }, data);
  assert.deepEqual(thrownThrough(Object.assign(new Error("x"), { code: { secret: 1 } })).data, {});
  // What is thrown as a value is data, too; only a plain one is its own message.
  assert.equal(thrownThrough({ path: "/srv/key" }).cause, undefined);
});

Deno.test("routineError() sends what a RoutineError was given on purpose", () => {
  const data = { left: 3, items: ["a"] };
  const thrown = new RoutineError("shop.buy", { remoteName: "OutOfStock", message: "none", data });
  assert.deepEqual(thrownThrough(thrown).data, data);
});

Deno.test("routineError() never throws, whatever getters and traps the thrown value has", () => {
  const trap = () => {
    throw new Overloaded("from a trap");
  };
  const handler = { get: trap, has: trap, getPrototypeOf: trap, ownKeys: trap };
  const getters = Object.defineProperties(new Error("x"), {
    name: { get: trap },
    message: { get: trap },
    cause: { get: trap },
    stack: { get: trap },
  });
  for (const thrown of [new Proxy(new Error("x"), handler), new Proxy({}, handler), getters]) {
    assert.equal(thrownThrough(thrown, ALL).name, "RoutineError");
  }
  const own = Object.defineProperty(new Overloaded("full"), "message", { get: trap });
  assert.equal(throughWire(own), undefined);
  assert.equal(toConnectError(own).code, Code.Internal);
});

Deno.test("routineError() leaves out data that cannot travel and keeps the rest", () => {
  const cyclic: Record<string, unknown> = {};
  cyclic["self"] = cyclic;
  const thrown = Object.assign(new Error("x"), {
    run: () => 1,
    cyclic,
    kept: [1],
    socket: new Map([[1, () => 1]]),
  });
  Object.defineProperty(thrown, "trap", {
    enumerable: true,
    get() {
      throw new Error("trap");
    },
  });
  assert.deepEqual(thrownThrough(thrown, { sendErrorData: true }).data, { kept: [1] });
});

Deno.test("writeFailure() stays within what a header may hold, whatever was thrown", () => {
  let cause: unknown = "end";
  for (let i = 0; i < 100; i++) cause = new Error("ä".repeat(3_000), { cause });
  const thrown = Object.assign(new Error("ü".repeat(100_000), { cause }), {
    name: "N".repeat(10_000),
    big: "x".repeat(1_000_000),
    many: Array(10_000).fill("y"),
    small: 1,
  });
  const failures = Array.from({ length: 1_000 }, () => ({ worker, error: handshake }));
  for (const error of [routineError("r", thrown, ALL), new AllWorkersFailed(failures)]) {
    const bytes = toBinary(FailureSchema, writeFailure(error)!);
    assert(bytes.length < 9_500, `${bytes.length} bytes`);
    assert.notEqual(readFailure(fromBinary(FailureSchema, bytes)), undefined);
  }
  assert.equal(thrownThrough(thrown, ALL).data["small"], 1);
});

Deno.test("writeFailure() bears an error that causes itself", () => {
  const error = new Error("x");
  error.cause = error;
  assert.equal(thrownThrough(error).message, "x");
});

Deno.test("readFailure() takes only words that are ours and escapes a peer's text", () => {
  const read = (message: Parameters<typeof readFailure>[0]) => readFailure(message);
  const forged = writeFailure(new AuthenticationError("x", { reason: "token-expired" }))!;
  (forged.kind.value as { reason: string }).reason = "__proto__";
  assert.equal(read(forged), undefined);
  const reason = writeFailure(handshake)!;
  (reason.kind.value as { reason: string }).reason = "because";
  assert.equal(read(reason), undefined);
  const hostile = writeFailure(new Overloaded("full"))!;
  hostile.message = `\u001b[31m${"x".repeat(10_000)}`;
  assert.match(read(hostile)!.message, /^\\u001b\[31mx{240,}…$/);
  hostile.kind = { case: undefined };
  assert.equal(read(hostile), undefined);
});

Deno.test("readFailure() bounds causes of causes that a peer nests without end", () => {
  let failure = writeFailure(new Overloaded("end"))!;
  for (let i = 0; i < 1_000; i++) {
    const outer = writeFailure(new Overloaded("x"))!;
    outer.cause = { $typeName: "selvage.v1.Cause", kind: { case: "failure", value: failure } };
    failure = outer;
  }
  let causes = 0;
  for (let error = readFailure(failure); error !== undefined; error = error.cause as Error) {
    causes++;
  }
  assert(causes < 12, `${causes} causes`);
});

Deno.test("readFailure() never lets data of a peer take the place of what an error has", () => {
  const error = routineError("r", new Error("x", { cause: Object.assign(new Error("real"), {}) }));
  const failure = writeFailure(error)!;
  const { value } = failure.cause!.kind;
  const data = { message: "forged", stack: "forged", toString: "forged", own: 1 };
  const written = writeFailure(new RoutineError("r", { remoteName: "E", message: "", data }))!;
  Object.assign(value as object, { data: (written.kind.value as { data: unknown }).data });
  const cause = (readFailure(failure) as RoutineError).cause as Error & { own: number };
  assert.equal(cause.message, "real");
  assert.equal(String(cause), "Error: real");
  assert.equal(cause.own, 1);
});

Deno.test("fromConnectError() fits an error to a code that came without a detail", () => {
  const fitting: [Code, string][] = [
    [Code.Unauthenticated, "AuthenticationError"],
    [Code.PermissionDenied, "AuthorizationError"],
    [Code.Unimplemented, "UnknownRoutine"],
    [Code.InvalidArgument, "InvalidPayload"],
    [Code.ResourceExhausted, "Overloaded"],
    [Code.DeadlineExceeded, "DeadlineExceeded"],
    [Code.Unavailable, "WorkerUnavailable"],
    [Code.Canceled, "WorkerUnavailable"],
    [Code.Internal, "RoutineError"],
    [Code.Unknown, "RoutineError"],
  ];
  for (const [code, name] of fitting) {
    const error = new ConnectError("as it is", code);
    assert.equal(fromConnectError(error, call).name, name, Code[code]);
    assert.equal(failureInDetails(error), undefined);
  }
});

Deno.test("fromConnectError() bears a detail that is no Failure", () => {
  const error = new ConnectError("x", Code.Unavailable);
  error.details = [{ type: FailureSchema.typeName, value: new Uint8Array([0xff, 0xff]) }];
  assert.equal(fromConnectError(error, call).name, "WorkerUnavailable");
});

Deno.test("toConnectError() reports nothing of an error that is none of ours", () => {
  const error = toConnectError(new Error("secret path /etc"));
  assert.equal(error.code, Code.Internal);
  assert.doesNotMatch(error.message, /secret/);
  assert.equal(toConnectError(new DOMException("stop", "AbortError")).code, Code.Canceled);
  assert.equal(toConnectError(error), error);
});

Deno.test("readFailure() reads any Failure to an error or nothing", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
    let failure;
    try {
      failure = fromBinary(FailureSchema, bytes);
    } catch {
      return;
    }
    readFailure(failure);
  }));
});
