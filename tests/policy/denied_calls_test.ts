/** Calls of services that a new policy denies while they run: how they end, and until when they count. */
import assert from "node:assert/strict";
import { Code, ConnectError, createClient, type ServiceImpl } from "@connectrpc/connect";
import { AuthorizationError } from "../../src/errors/mod.ts";
import { currentCall } from "../../src/routine/mod.ts";
import { inMemory } from "../../src/testing/mod.ts";
import { throughPlainPath } from "../support/echo.ts";
import { EchoService } from "../support/gen/selvage/test/v1/echo_pb.ts";

const ECHO = "selvage.test.v1.EchoService";
const ALLOWED = `{ "rules": [{ "effect": "allow", "what": ["${ECHO}/*"] }] }`;
const DENIED = `{ "rules": [
  { "name": "echo", "effect": "allow", "what": ["${ECHO}/Echo"] },
  { "name": "closed", "effect": "deny", "what": ["${ECHO}/*"] }
] }`;

/** How the worker serves the calls, and in which protocol they are made. */
const PATHS = [
  { path: "fast path", protocol: "connect" },
  { path: "fast path", protocol: "grpc" },
  { path: "plain path", protocol: "connect" },
  { path: "plain path", protocol: "grpc" },
] as const;
type Path = typeof PATHS[number];

async function open({ path, protocol }: Path, echo: Partial<ServiceImpl<typeof EchoService>>) {
  await using stack = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const policy = `${folder}/policy.jsonc`;
  await Deno.writeTextFile(policy, ALLOWED);
  const options = path === "plain path" ? { interceptors: [throughPlainPath] } : undefined;
  const { worker, dispatcher } = stack.use(
    await inMemory({
      as: "spiffe://example.org/client/a",
      policy,
      services: (router) => router.service(EchoService, { echo: () => ({}), ...echo }, options),
      limits: { drainGraceMs: 0 },
    }),
  );
  const client = createClient(EchoService, dispatcher.transportFor({ protocol }));
  const all = stack.move();
  return {
    worker,
    client,
    deny: (denied = DENIED) => Deno.writeTextFile(policy, denied),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

function assertDenied(error: unknown): void {
  assert.ok(error instanceof ConnectError, String(error));
  assert.equal(error.code, Code.PermissionDenied);
  assert.ok(error.cause instanceof AuthorizationError);
  assert.equal(error.cause.rule, "closed");
}

/** One message, and no end. */
async function* unending() {
  yield { text: "a" };
  await new Promise(() => {});
}

for (const served of PATHS) {
  const name = `${served.path}, ${served.protocol}`;

  Deno.test(`${name}: a client stream ends when a new policy denies it, and its requests do not look complete`, async () => {
    const begun = Promise.withResolvers<void>();
    const read = Promise.withResolvers<string>();
    const aborted = Promise.withResolvers<void>();
    await using bench = await open(served, {
      async collect(requests) {
        currentCall().signal.addEventListener("abort", () => aborted.resolve());
        try {
          for await (const _ of requests) begun.resolve();
          read.resolve("all of them");
        } catch (error) {
          read.resolve(
            ConnectError.from(error).code === Code.PermissionDenied ? "denied" : `${error}`,
          );
        }
        return { text: "for nobody" };
      },
    });
    const call = bench.client.collect(unending()).catch((error) => error);
    await begun.promise;
    await bench.deny();
    assertDenied(await call);
    await aborted.promise;
    assert.equal(await read.promise, "denied");
  });

  Deno.test(`${name}: a call of one request and one answer runs to its end when a new policy denies it`, async () => {
    const [begun, done] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    await using bench = await open(served, {
      async echo() {
        begun.resolve();
        await done.promise;
        return { text: String(currentCall().signal.aborted) };
      },
      async *repeat() {
        yield {};
        await new Promise(() => {});
      },
    });
    const call = bench.client.echo({});
    await begun.promise;
    const ended = Array.fromAsync(bench.client.repeat({})).catch((error) => error);
    await bench.deny(`{ "rules": [{ "name": "closed", "effect": "deny" }] }`);
    // It is in force once it has ended a stream.
    assertDenied(await ended);
    done.resolve();
    assert.equal((await call).text, "false");
    assertDenied(await bench.client.echo({}).catch((error) => error));
  });

  for (const method of ["collect", "repeat", "converse"] as const) {
    Deno.test(`${name}: ${method} counts as running after a denial until its implementation has ended`, async () => {
      const [begun, done] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const stubborn = async () => {
        begun.resolve();
        await done.promise;
        return {};
      };
      await using bench = await open(served, {
        collect: stubborn,
        async *repeat() {
          yield await stubborn();
        },
        async *converse() {
          yield await stubborn();
        },
      });
      const call = method === "collect" ? bench.client.collect(unending()) : Array.fromAsync(
        method === "repeat" ? bench.client.repeat({}) : bench.client.converse(unending()),
      );
      const ended = call.then(() => undefined, (error) => error);
      await begun.promise;
      await bench.deny();
      assertDenied(await ended);
      await bench.client.echo({});
      assert.equal(bench.worker.inFlight, 1);
      done.resolve();
      while (bench.worker.inFlight > 0) await bench.client.echo({});
    });
  }

  Deno.test(`${name}: who leaves does not wait for the item that an iterator makes`, async () => {
    const [asked, left] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    await using bench = await open(served, {
      repeat: () => ({
        [Symbol.asyncIterator]() {
          let count = 0;
          const over = Promise.withResolvers<IteratorResult<Record<string, never>>>();
          return {
            next() {
              if (count++ === 0) return Promise.resolve({ done: false, value: {} });
              asked.resolve();
              return over.promise;
            },
            return() {
              const end = { done: true, value: undefined } as const;
              over.resolve(end);
              left.resolve();
              return Promise.resolve(end);
            },
          };
        },
      }),
    });
    const leaving = new AbortController();
    const items = bench.client.repeat({}, { signal: leaving.signal })[Symbol.asyncIterator]();
    await items.next();
    await asked.promise;
    leaving.abort();
    await assert.rejects(items.next());
    await left.promise;
    while (bench.worker.inFlight > 0) await bench.client.echo({});
  });
}
