/** Tokens that end while a stream runs, whichever way its messages go. */
import assert from "node:assert/strict";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { duplexRoutine, routine } from "../../src/contract/mod.ts";
import { AuthenticationError } from "../../src/errors/mod.ts";
import { currentCall } from "../../src/routine/mod.ts";
import { openDispatcher, startWorker } from "../e2e/pair.ts";
import { Trust } from "../e2e/trust.ts";
import { throughPlainPath } from "../support/echo.ts";
import { EchoService } from "../support/gen/selvage/test/v1/echo_pb.ts";

/** What the implementation of a call did, until it has ended. */
class Served {
  readonly #ended = Promise.withResolvers<string>();
  readonly ended = this.#ended.promise;
  isBegun = false;

  /** Runs an implementation until it ends; reports what it failed with, and why its signal aborted. */
  async *run<Item>(items: () => AsyncIterable<Item>): AsyncGenerator<Item> {
    const { signal } = currentCall();
    this.isBegun = true;
    let how = "left";
    try {
      yield* items();
      how = "complete";
    } catch (error) {
      how = error instanceof ConnectError ? Code[error.code] : (error as Error).name;
      throw error;
    } finally {
      this.#ended.resolve(`${how}, ${signal.reason?.name}`);
    }
  }
}

let served = new Served();

const MESSAGE = { data: crypto.getRandomValues(new Uint8Array(16 * 1024)) };

async function* endless<Message>(message: Message): AsyncGenerator<Message> {
  for (;;) yield message;
}

async function drain(messages: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of messages);
}

async function* countOf(messages: AsyncIterable<unknown>) {
  let count = 0;
  for await (const _ of messages) count++;
  yield { text: String(count) };
}

async function* idle() {
  const { signal } = currentCall();
  yield MESSAGE;
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  signal.throwIfAborted();
}

const routines = {
  idles: routine("ending.idles", () => served.run(idle)),
  floods: routine("ending.floods", () => served.run(() => endless(MESSAGE.data))),
  counts: duplexRoutine(
    "ending.counts",
    (input: AsyncIterable<Uint8Array>) => served.run(() => countOf(input)),
  ),
  answers: routine("ending.answers", () => "answered"),
  outlives: routine("ending.outlives", async (ends: number) => {
    const { signal } = currentCall();
    served.isBegun = true;
    while (Date.now() <= ends) await new Promise((resolve) => setTimeout(resolve, 10));
    return signal.aborted;
  }),
};

async function open(path: "fast path" | "plain path") {
  await using stack = new AsyncDisposableStack();
  const trust = new Trust();
  const options = path === "plain path" ? { interceptors: [throughPlainPath] } : undefined;
  const worker = stack.use(
    await startWorker(trust, {
      routines,
      // A token says when it ends.
      authenticate: ({ token }) => ({ claims: {}, expiresAt: Number(token) }),
      services: (router) =>
        router.service(EchoService, {
          repeat: ({ text }) =>
            served.run<object>(text === "idles" ? idle : () => endless(MESSAGE)),
          collect: async (requests) => {
            for await (const answer of served.run(() => countOf(requests))) return answer;
            return {};
          },
          converse: (requests) => served.run(() => countOf(requests)),
        }, options),
    }),
  );
  let ends = Infinity;
  const [ending, lasting] = await Promise.all([() => ends, () => Date.now() + 3_600_000].map(
    (at) => openDispatcher(trust, worker.address, { token: () => String(at()) }),
  ));
  stack.use(ending!);
  stack.use(lasting!);
  const all = stack.move();
  return {
    dispatcher: ending!,
    /** Makes a call whose token ends soon, again and later where it had not begun until then. */
    async failure(call: (ends: number) => Promise<unknown>): Promise<unknown> {
      for (let ms = 250;; ms *= 2) {
        served = new Served();
        ends = Date.now() + ms;
        const error = await call(ends).then(() => "no failure", (error) => error);
        if (served.isBegun) return error;
      }
    },
    /** Resolves once no call has a place any more. */
    async free() {
      do await lasting!.call(routines.answers, []); while (worker.inFlight > 0);
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

function assertEnded(error: unknown): void {
  const original = error instanceof ConnectError ? error.cause : error;
  assert.ok(original instanceof AuthenticationError, String(error));
  assert.equal(original.reason, "token-expired");
  if (error instanceof ConnectError) assert.equal(error.code, Code.Unauthenticated);
}

Deno.test("streams of routines end with their token, whichever way they go", async () => {
  await using bench = await open("fast path");
  const { dispatcher } = bench;
  for (
    const [call, how] of [
      [() => dispatcher.stream(routines.idles, []), "AuthenticationError"],
      [() => dispatcher.stream(routines.floods, []), "left"],
      [() => dispatcher.duplex(routines.counts, endless(MESSAGE.data), []), "AbortError"],
    ] as const
  ) {
    assertEnded(await bench.failure(() => drain(call())));
    assert.equal(await served.ended, `${how}, AuthenticationError`);
    await bench.free();
  }
});

for (const path of ["fast path", "plain path"] as const) {
  for (const protocol of ["connect", "grpc", "grpc-web"] as const) {
    Deno.test(`${path}, ${protocol}: streams of services end with their token, whichever way they go`, async () => {
      await using bench = await open(path);
      const echo = createClient(EchoService, bench.dispatcher.transportFor({ protocol }));
      for (
        const [call, how] of [
          [() => drain(echo.repeat({ text: "idles" })), "AuthenticationError"],
          [() => drain(echo.repeat({})), "left"],
          [() => echo.collect(endless(MESSAGE)), "Unauthenticated"],
          [() => drain(echo.converse(endless(MESSAGE))), "Unauthenticated"],
        ] as const
      ) {
        assertEnded(await bench.failure(call));
        assert.equal(await served.ended, `${how}, AuthenticationError`);
        await bench.free();
      }
    });
  }
}

Deno.test("a stream whose caller does not read ends with its token, and holds no place", async () => {
  await using bench = await open("fast path");
  await endsUnread(bench, () => bench.dispatcher.stream(routines.floods, []));
});

for (const path of ["fast path", "plain path"] as const) {
  for (const protocol of ["connect", "grpc", "grpc-web"] as const) {
    Deno.test(`${path}, ${protocol}: a service's stream whose caller does not read ends with its token, and holds no place`, async () => {
      await using bench = await open(path);
      const echo = createClient(EchoService, bench.dispatcher.transportFor({ protocol }));
      await endsUnread(bench, () => echo.repeat({}));
    });
  }
}

async function endsUnread(bench: Bench, call: () => AsyncIterable<unknown>): Promise<void> {
  const error = await bench.failure(async () => {
    const items: AsyncIterator<unknown> = call()[Symbol.asyncIterator]();
    await items.next();
    assert.equal(await served.ended, "left, AuthenticationError");
    await bench.free();
    while (!(await items.next()).done);
  });
  assertEnded(error);
}

type Bench = Awaited<ReturnType<typeof open>>;

Deno.test("a call of one request and one answer runs to its end though its token ends", async () => {
  await using bench = await open("fast path");
  let aborted: boolean | undefined;
  const outcome = await bench.failure(async (ends) => {
    aborted = await bench.dispatcher.call(routines.outlives, [ends]);
  });
  assert.deepEqual([outcome, aborted], ["no failure", false]);
});
