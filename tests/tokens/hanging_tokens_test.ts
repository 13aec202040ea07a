/** A token that never comes: every kind of call ends with its time, or its signal, and the worker is not to blame. */
import assert from "node:assert/strict";
import { Code, ConnectError, createClient } from "@connectrpc/connect";

import type { Dispatcher } from "../../src/dispatch/mod.ts";
import { DeadlineExceeded } from "../../src/errors/mod.ts";
import { openDispatcher, startWorker } from "../e2e/pair.ts";
import { add, count, tally } from "../e2e/routines.ts";
import { Trust } from "../e2e/trust.ts";
import { echoService } from "../support/echo.ts";
import { EchoService } from "../support/gen/selvage/test/v1/echo_pb.ts";

/** What all of them take. */
interface CallOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

type Call = (dispatcher: Dispatcher, options: CallOptions) => Promise<unknown>;

const ofRoutines: Readonly<Record<string, Call>> = {
  unary: (dispatcher, options) => dispatcher.call(add, [1], options),
  stream: (dispatcher, options) => Array.fromAsync(dispatcher.stream(count, ["x", 1], options)),
  duplex: (dispatcher, options) => Array.fromAsync(dispatcher.duplex(tally, [1], [0], options)),
};

const ofServices: Readonly<Record<string, Call>> = {
  unary: (dispatcher, options) => echoOf(dispatcher).echo({ text: "x" }, options),
  stream: (dispatcher, options) =>
    Array.fromAsync(echoOf(dispatcher).repeat({ text: "x", count: 1 }, options)),
  "plain unary": (dispatcher, options) => echoOf(dispatcher, false).echo({ text: "x" }, options),
  "plain stream": (dispatcher, options) =>
    Array.fromAsync(echoOf(dispatcher, false).repeat({ text: "x", count: 1 }, options)),
};

function echoOf(dispatcher: Dispatcher, useBinaryFormat = true) {
  return createClient(EchoService, dispatcher.transportFor({ useBinaryFormat }));
}

/** A dispatcher whose token comes when the test says so. */
async function setUp(resources: AsyncDisposableStack) {
  const trust = new Trust();
  const worker = resources.use(
    await startWorker(trust, { services: (router) => router.service(EchoService, echoService()) }),
  );
  const asked = Promise.withResolvers<void>();
  const token = Promise.withResolvers<string>();
  const dispatcher = resources.use(
    await openDispatcher(trust, worker.address, {
      token: () => {
        asked.resolve();
        return token.promise;
      },
    }),
  );
  await dispatcher.ready();
  return { dispatcher, token, asked: asked.promise };
}

Deno.test("a call whose token does not come in time ends with its deadline", async () => {
  await using resources = new AsyncDisposableStack();
  const { dispatcher, token } = await setUp(resources);
  for (const [kind, call] of Object.entries(ofRoutines)) {
    await assert.rejects(call(dispatcher, { timeoutMs: 20 }), (error) => {
      assert.ok(error instanceof DeadlineExceeded, `${kind}: ${error}`);
      assert.equal(error.message, "there was no token for the call within 20 ms");
      return true;
    });
  }
  for (const [kind, call] of Object.entries(ofServices)) {
    const error = await call(dispatcher, { timeoutMs: 20 }).catch((error) => error);
    assert.equal(ConnectError.from(error).code, Code.DeadlineExceeded, `${kind}: ${error}`);
  }
  token.resolve("a-token");
  for (const call of Object.values({ ...ofRoutines, ...ofServices })) await call(dispatcher, {});
});

Deno.test("a call whose token does not come ends with its signal", async () => {
  for (const [kind, call] of [...Object.entries(ofRoutines), ...Object.entries(ofServices)]) {
    await using resources = new AsyncDisposableStack();
    const { dispatcher, asked } = await setUp(resources);
    const abort = new AbortController();
    const failed = call(dispatcher, { signal: abort.signal, timeoutMs: 0 }).catch((error) => error);
    await asked;
    const reason = new Error("no longer wanted");
    abort.abort(reason);
    const error = await failed;
    assert.equal(error instanceof ConnectError ? error.cause : error, reason, kind);
  }
});

Deno.test("a token that cannot be had for a call that was aborted before it began is no uncaught error", async () => {
  const reason = new Error("no longer wanted");
  for (const [kind, call] of [...Object.entries(ofRoutines), ...Object.entries(ofServices)]) {
    await using resources = new AsyncDisposableStack();
    const { dispatcher, token } = await setUp(resources);
    const error = await call(dispatcher, { signal: AbortSignal.abort(reason) })
      .catch((error) => error);
    assert.equal(error instanceof ConnectError ? error.cause : error, reason, kind);
    token.reject(new Error("no token"));
    // Uncaught, it would be reported in the turn that is behind.
    await new Promise((resolve) => setTimeout(resolve));
  }
});
