import assert from "node:assert/strict";
import { toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { WorkerUnavailable } from "../../errors/mod.ts";
import { ErrorCode, KeepaliveTimeout, type StreamEnd } from "../../http2/mod.ts";
import { toConnectError } from "../../routine/mod.ts";
import { StreamFailure } from "../../rpc/mod.ts";
import type { PlacedCall } from "./placed_call.ts";
import type { Endpoint } from "../endpoint/endpoint.ts";
import { FakeLink } from "../../../tests/support/fake_network.ts";
import { judgeFailure } from "./retry.ts";

const worker = { address: "127.0.0.1:8443" };
const endpoint = { ref: worker } as Endpoint;
const link = new FakeLink(worker, () => {});
const call: PlacedCall = {
  routine: "math.add",
  wanted: {},
  idempotent: true,
  signal: undefined,
  timeoutMs: undefined,
  deadline: undefined,
};

function brokenOff(end: StreamEnd): ConnectError {
  return new ConnectError("reset", Code.Internal, undefined, undefined, new StreamFailure(end));
}

Deno.test("judgeFailure() takes a stream that was reset for no answer of the routine", () => {
  for (const how of ["reset-by-us", "reset-by-peer"] as const) {
    const thrown = brokenOff({ how, code: ErrorCode.PROTOCOL_ERROR });
    const { final, error } = judgeFailure(thrown, call, endpoint, link);
    assert.ok(final && error instanceof WorkerUnavailable, String(error));
    assert.deepEqual([error.notBegun, error.worker, error.cause], [false, worker, thrown]);
  }
});

Deno.test("judgeFailure() says of a worker that answered no PING that a routine may block it", () => {
  for (const [cause, hinted] of [[new KeepaliveTimeout(10), true], [new Error(), false]] as const) {
    const end: StreamEnd = { how: "connection-lost", code: ErrorCode.NO_ERROR, cause };
    const thrown = new ConnectError(
      "",
      Code.Unavailable,
      undefined,
      undefined,
      new StreamFailure(end),
    );
    const { error } = judgeFailure(thrown, { ...call, idempotent: false }, endpoint, link);
    assert.ok(error instanceof WorkerUnavailable);
    assert.equal(/run: "thread"/.test(error.message), hinted);
  }
});

Deno.test("judgeFailure() leaves to a service's caller what its stream was reset with", () => {
  const thrown = brokenOff({ how: "reset-by-peer", code: ErrorCode.INTERNAL_ERROR });
  const failure = judgeFailure(thrown, { ...call, ofService: true }, endpoint, link);
  assert.deepEqual(failure, { final: true, error: thrown });
});

Deno.test("judgeFailure() names the worker that says of itself that it is leaving", () => {
  const leaving = new WorkerUnavailable("worker w1 is leaving", {
    worker: { address: "", id: "w1" },
    notBegun: true,
  });
  const { error } = judgeFailure(asReceived(toConnectError(leaving)), call, endpoint, link);
  assert.ok(error instanceof WorkerUnavailable);
  assert.deepEqual(error.worker, { ...worker, id: "w1" });
});

/** The error as a client reads it: details in their wire form. */
function asReceived(sent: ConnectError): ConnectError {
  const received = new ConnectError(sent.rawMessage, sent.code);
  received.details = sent.details.map((detail) => {
    assert.ok("desc" in detail);
    return { type: detail.desc.typeName, value: toBinary(detail.desc, detail.value as never) };
  });
  return received;
}
