/** A policy file: read at the start, watched, swapped; running streams are judged again. */
import assert from "node:assert/strict";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { routine } from "../../src/contract/mod.ts";
import { AuthorizationError, ConfigurationError } from "../../src/errors/mod.ts";
import { currentCall } from "../../src/routine/mod.ts";
import type { EventStream, SelvageEvent } from "../../src/observe/mod.ts";
import { openDispatcher, startWorker } from "../e2e/pair.ts";
import { CLIENT_ID, Trust } from "../e2e/trust.ts";
import { EchoService } from "../support/gen/selvage/test/v1/echo_pb.ts";

const [begun, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
let left = Promise.withResolvers<void>();

const routines = {
  answer: routine("file.answer", () => 42),
  held: routine("file.held", async () => {
    begun.resolve();
    await released.promise;
    return currentCall().signal.aborted;
  }),
  forever: routine("file.forever", async function* () {
    try {
      yield 1;
      await new Promise(() => {});
    } finally {
      left.resolve();
    }
  }),
  counting: routine("file.counting", async function* () {
    try {
      for (let n = 0;; n++) yield n;
    } finally {
      left.resolve();
    }
  }),
};

const ALLOWED = `{
  // Everybody who may connect.
  "rules": [{ "name": "all", "effect": "allow", "what": ["file.*"], }],
}`;
const DENIED = `{ "rules": [{ "name": "closed", "effect": "deny", "what": ["file.*"] }] }`;

async function next<Type extends SelvageEvent["type"]>(events: EventStream, type: Type) {
  for (;;) {
    const { done, value } = await events.next();
    if (done) throw new Error("the events have ended");
    if (value.type === type) return value as Extract<SelvageEvent, { type: Type }>;
  }
}

Deno.test("a policy file is swapped while the worker runs; a bad one leaves the last good in force", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/policy.jsonc`;
    await Deno.writeTextFile(path, ALLOWED);
    const trust = new Trust();
    await using worker = await startWorker(trust, { routines, policy: path });
    using events = worker.events();
    await using dispatcher = await openDispatcher(trust, worker.address);
    assert.equal(await dispatcher.call(routines.answer, []), 42);

    await Deno.writeTextFile(path, '{ "rules": [{ "effect": "alow" }] }');
    const rejected = await next(events, "policy.rejected");
    assert.match(rejected.message, /rules\[0\]\.effect is "alow"/);
    assert.equal(await dispatcher.call(routines.answer, []), 42);

    await Deno.writeTextFile(path, DENIED);
    assert.equal((await next(events, "policy.changed")).rules, 1);
    await assert.rejects(dispatcher.call(routines.answer, []), AuthorizationError);

    await Deno.remove(path);
    assert.match((await next(events, "policy.rejected")).message, /does not exist/);
    await assert.rejects(dispatcher.call(routines.answer, []), AuthorizationError);

    await Deno.writeTextFile(`${path}.new`, ALLOWED);
    await Deno.rename(`${path}.new`, path);
    await next(events, "policy.changed");
    assert.equal(await dispatcher.call(routines.answer, []), 42);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

for (const name of ["forever", "counting"] as const) {
  Deno.test(`a running stream (${name}) ends when a new policy denies it`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      left = Promise.withResolvers<void>();
      const path = `${folder}/policy.jsonc`;
      await Deno.writeTextFile(path, ALLOWED);
      const trust = new Trust();
      await using worker = await startWorker(trust, { routines, policy: path });
      using events = worker.events();
      await using dispatcher = await openDispatcher(trust, worker.address);
      const items = dispatcher.stream(routines[name], [])[Symbol.asyncIterator]();
      await items.next();
      await Deno.writeTextFile(path, DENIED);
      const error = await (async () => {
        for (;;) if ((await items.next()).done) return undefined;
      })().catch((error) => error);
      assert.ok(error instanceof AuthorizationError, String(error));
      assert.equal(error.rule, "closed");
      const denied = await next(events, "dispatch.denied");
      assert.deepEqual([denied.routine, denied.peer.identity], [`file.${name}`, CLIENT_ID]);
      if (name === "counting") await left.promise;
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("a running call of one request and one answer runs to its end when a new policy denies it", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/policy.jsonc`;
    await Deno.writeTextFile(path, ALLOWED);
    const trust = new Trust();
    await using worker = await startWorker(trust, { routines, policy: path });
    using events = worker.events();
    await using dispatcher = await openDispatcher(trust, worker.address);
    const call = dispatcher.call(routines.held, []);
    await begun.promise;
    await Deno.writeTextFile(path, DENIED);
    await next(events, "policy.changed");
    await assert.rejects(dispatcher.call(routines.answer, []), AuthorizationError);
    released.resolve();
    assert.equal(await call, false);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a running stream of a service ends with the code and the rule of the policy that denies it", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/policy.jsonc`;
    await Deno.writeTextFile(path, '{ "rules": [{ "name": "all", "effect": "allow" }] }');
    const trust = new Trust();
    await using worker = await startWorker(trust, {
      routines: [],
      services: (router) =>
        router.service(EchoService, {
          async *repeat() {
            yield { text: "begun" };
            await new Promise(() => {});
          },
        }),
      policy: path,
    });
    using events = worker.events();
    await using dispatcher = await openDispatcher(trust, worker.address);
    const protocols = ["connect", "grpc", "grpc-web"] as const;
    const running = protocols.map((protocol) => {
      const client = createClient(EchoService, dispatcher.transportFor({ protocol }));
      return client.repeat({ text: "", count: 1 })[Symbol.asyncIterator]();
    });
    for (const items of running) assert.equal((await items.next()).value.text, "begun");
    await Deno.writeTextFile(path, '{ "rules": [{ "name": "closed", "effect": "deny" }] }');
    for (const [at, items] of running.entries()) {
      const error = await items.next().catch((error) => error);
      assert.ok(error instanceof ConnectError, `${protocols[at]}: ${error}`);
      assert.equal(error.code, Code.PermissionDenied, protocols[at]);
      assert.ok(error.cause instanceof AuthorizationError, protocols[at]);
      assert.equal(error.cause.rule, "closed");
    }
    for (const _ of running) assert.equal((await next(events, "dispatch.denied")).rule, "closed");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a policy file that is missing, no JSON or no policy fails the start, and says where", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const trust = new Trust();
    const wrong: readonly (readonly [string | undefined, RegExp])[] = [
      [undefined, /does not exist/],
      ['{\n "rules": [}', /line 2, column \d+ is not JSON/],
      ['{ "rules": [], "rule": [] }', /unknown key "rule"/],
      [
        '{ "rules": [{ "effect": "allow", "claims": { "a": 1 } }] }',
        /set authenticate, which a worker started in code has/,
      ],
    ];
    for (const [text, message] of wrong) {
      const path = `${folder}/policy.jsonc`;
      if (text !== undefined) await Deno.writeTextFile(path, text);
      await assert.rejects(startWorker(trust, { routines, policy: path }), (error) => {
        assert.ok(error instanceof ConfigurationError);
        assert.equal(error.setting, "policy");
        assert.match(error.message, message);
        return true;
      });
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
