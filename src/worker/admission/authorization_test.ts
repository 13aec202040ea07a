import assert from "node:assert/strict";
import { AuthorizationError } from "../../errors/mod.ts";
import { WorkerService } from "../../gen/mod.ts";
import type { Observer } from "../../observe/mod.ts";
import type { Authorizer } from "../../policy/mod.ts";
import { ROUTINE_HEADER } from "../../routine/mod.ts";
import { ConnectedPeer } from "../connected_peer.ts";
import { BothAuthorizers } from "./anonymous.ts";
import { Authorization } from "./authorization.ts";

const DEAF = { emit: () => {} } as unknown as Observer;

function plaintextPeer(): ConnectedPeer {
  return new ConnectedPeer({
    id: 1,
    identity: undefined,
    remoteAddress: "10.0.0.9:1",
    since: 0,
    facts: { security: "plaintext", remoteAddress: "10.0.0.9:1" },
  });
}

Deno.test("a call that was allowed at its header section is judged anew where the policy has changed before its envelope", () => {
  let allowed = true;
  let version = 1;
  let decided = 0;
  const authorizer: Authorizer = {
    rules: 1,
    get version() {
      return version;
    },
    readsTags: () => false,
    decide: () => {
      decided += 1;
      return { allowed, rule: "r" };
    },
    onChange: () => () => {},
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const peer = plaintextPeer();
  const always: Authorizer = {
    rules: 1,
    version: 0,
    readsTags: () => false,
    decide: () => ({ allowed: true, rule: "anonymous" }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  for (const asked of [authorizer, new BothAuthorizers(always, authorizer)]) {
    [version, allowed, decided] = [1, true, 0];
    const call = new Authorization({ authorizer: asked, observer: DEAF }).begin({
      path: "/selvage.v1.WorkerService/Call",
      method: WorkerService.method.call,
      protocol: "connect",
      fields: [ROUTINE_HEADER, "math.add"],
      peer,
      timeoutMs: undefined,
      wait: () => {},
    }, peer.admitted.subject);
    assert.equal(call.atHeaders(), undefined);
    assert.equal(call.atEnvelope("math.add", []), undefined);
    assert.equal(decided, 1, "one decision, while the policy stays");
    version = 2;
    assert.equal(call.atEnvelope("math.add", []), undefined);
    assert.equal(decided, 2);
    [version, allowed] = [3, false];
    assert.throws(() => call.atEnvelope("math.add", []), { name: "AuthorizationError", rule: "r" });
    assert.throws(() => call.atEnvelope("math.add", []), { name: "AuthorizationError" });
  }
});

Deno.test("a running call is denied where a new policy fails to decide about it", async () => {
  let changed = () => {};
  let failing = false;
  const authorizer: Authorizer = {
    rules: 1,
    version: 1,
    readsTags: () => false,
    decide: () => {
      if (failing) throw new RangeError("unexpected");
      return { allowed: true, rule: "r" };
    },
    onChange: (callback) => {
      changed = callback;
      return () => {};
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const failures: unknown[] = [];
  const authorization = new Authorization({
    authorizer,
    observer: DEAF,
    failed: (error) => failures.push(error),
  });
  const peer = plaintextPeer();
  const call = authorization.begin({
    path: "/selvage.v1.WorkerService/Stream",
    method: WorkerService.method.stream,
    protocol: "connect",
    fields: [ROUTINE_HEADER, "math.add"],
    peer,
    timeoutMs: undefined,
    wait: () => {},
  }, peer.admitted.subject);
  assert.equal(call.atHeaders(), undefined);
  const { promise: denied, resolve } = Promise.withResolvers<unknown>();
  call.watch("math.add", [], resolve);
  failing = true;
  changed();
  const error = await denied;
  assert.ok(error instanceof AuthorizationError);
  assert.equal(error.rule, "undecided");
  assert.ok(failures[0] instanceof RangeError);
});

Deno.test("a policy that is swapped decides the next call at once, and each running one by one verdict in the same turn", async () => {
  const listeners = new Set<() => void>();
  let [allowed, version, decided] = [true, 1, 0];
  const authorizer: Authorizer = {
    rules: 1,
    get version() {
      return version;
    },
    readsTags: () => false,
    decide: () => {
      decided += 1;
      return { allowed, rule: allowed ? "before" : "after" };
    },
    onChange: (changed) => {
      listeners.add(changed);
      return () => listeners.delete(changed);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const authorization = new Authorization({
    authorizer,
    observer: DEAF,
  });
  const peer = plaintextPeer();
  const begin = () =>
    authorization.begin({
      path: "/selvage.v1.WorkerService/Stream",
      method: WorkerService.method.stream,
      protocol: "connect",
      fields: [ROUTINE_HEADER, "math.count"],
      peer,
      timeoutMs: undefined,
      wait: () => {},
    }, peer.admitted.subject);
  const denied: AuthorizationError[] = [];
  const running = Array.from({ length: 5 }, () => {
    const call = begin();
    assert.equal(call.atHeaders(), undefined);
    return call.watch("math.count", [], (error) => denied.push(error));
  });
  [allowed, version, decided] = [false, 2, 0];
  for (const changed of listeners) changed();
  const next = begin().atHeaders();
  assert.ok(next instanceof AuthorizationError);
  let turned = false;
  setTimeout(() => turned = true, 0);
  // Microtasks alone: no turn of the event loop passes.
  for (let task = 0; task < 10; task++) await Promise.resolve();
  assert.equal(turned, false);
  assert.deepEqual(denied.map(({ rule }) => rule), Array(5).fill("after"));
  assert.equal(decided, 6, "one verdict for each");
  for (const stop of running) stop?.();
  assert.equal(listeners.size, 0);
});
