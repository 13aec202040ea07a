import assert from "node:assert/strict";
import { Code, ConnectError } from "@connectrpc/connect";
import type { CallEnvelope } from "../../routine/mod.ts";
import { NO_ARGUMENTS } from "../../routine/mod.ts";
import { heapBytes } from "../../../tests/support/heap.ts";
import { noDispatcher } from "./no_dispatcher.ts";
import { ServedCall } from "./served_call.ts";

const envelope: CallEnvelope = {
  routine: "a.b",
  arguments: NO_ARGUMENTS,
  callId: "1",
  parentId: "",
  ahead: 0,
  tags: [],
};
const ground = { workerId: "w", dispatcher: () => noDispatcher, nextId: () => "2" };

/** Why the signal of a call aborts whose caller cancels when `leftMs` of its time are left. */
function reasonWhenCancelled(leftMs: number | undefined): string {
  const caller = new AbortController();
  const call = new ServedCall(
    {
      peer: { address: "", identity: undefined, security: "memory" } as never,
      admitted: {} as never,
      signal: caller.signal,
      timeoutMs: leftMs === undefined ? undefined : 1_000,
      deadline: leftMs === undefined ? undefined : performance.now() + leftMs,
    },
    envelope,
    ground,
  );
  const { signal } = call;
  caller.abort(new ConnectError("the caller cancelled the call", Code.Canceled));
  return signal.reason.name;
}

Deno.test("ServedCall takes a cancellation just before the deadline for the deadline", () => {
  assert.equal(reasonWhenCancelled(5), "DeadlineExceeded");
  assert.equal(reasonWhenCancelled(-5), "DeadlineExceeded");
  assert.equal(reasonWhenCancelled(60_000), "AbortError");
  assert.equal(reasonWhenCancelled(undefined), "AbortError");
});

Deno.test("ServedCall lets its arrival go when it is over, and still says who called", () => {
  const peer = { address: "here", names: [], security: "memory" } as never;
  let asked = 0;
  const arrived = {
    peer,
    admitted: {} as never,
    get signal() {
      asked++;
      return new AbortController().signal;
    },
    timeoutMs: 1_000,
    deadline: performance.now() + 60_000,
  };
  const call = new ServedCall(arrived, envelope, ground);
  call.over();
  assert.equal(call.peer, peer);
  assert.equal(call.signal.aborted, true);
  assert.equal(call.signal.reason.name, "AbortError");
  assert.equal(asked, 0);
});

Deno.test("ServedCall keeps nothing of what it was admitted with once it is over", async () => {
  const arrived = (admitted: object) => ({
    peer: {} as never,
    admitted: admitted as never,
    signal: new AbortController().signal,
    timeoutMs: undefined,
    deadline: undefined,
  });
  const begin = () => {
    const admitted = { authorization: {} };
    const call = new ServedCall(arrived(admitted), envelope, ground);
    call.over();
    return { call, admitted: new WeakRef(admitted) };
  };
  const { call, admitted } = begin();
  await heapBytes();
  assert.equal(admitted.deref(), undefined);
  assert.equal(call.id, "1");
});

Deno.test("ServedCall keeps the signal that was asked for while it ran", () => {
  const caller = new AbortController();
  const arrived = {
    peer: {} as never,
    admitted: {} as never,
    signal: caller.signal,
    timeoutMs: undefined,
    deadline: undefined,
  };
  const call = new ServedCall(arrived, envelope, ground);
  const { signal } = call;
  call.over();
  assert.equal(call.signal, signal);
  assert.equal(signal.aborted, false);
  caller.abort(new ConnectError("gone", Code.Canceled));
  assert.equal(signal.aborted, true);
});
