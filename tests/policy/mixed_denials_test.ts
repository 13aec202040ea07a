/** Streams of routines and services, either way, while the policy changes and tokens end. */
import assert from "node:assert/strict";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { duplexRoutine, routine } from "../../src/contract/mod.ts";
import type { Dispatcher } from "../../src/dispatch/mod.ts";
import { SelvageError } from "../../src/errors/mod.ts";
import { openDispatcher, startWorker } from "../e2e/pair.ts";
import { Trust } from "../e2e/trust.ts";
import { throughPlainPath } from "../support/echo.ts";
import { EchoService } from "../support/gen/selvage/test/v1/echo_pb.ts";
import { Tally } from "../support/tally.ts";

const CALLS = 1_200;
const AT_ONCE = 40;
/** How many messages each input has. */
const MESSAGES = 30;
const ALLOWED = `{ "rules": [{ "effect": "allow" }] }`;
const DENIED = `{ "rules": [
  { "effect": "allow", "what": ["*/Echo"] },
  { "name": "closed", "effect": "deny" }
] }`;
const EXPECTED: ReadonlySet<Code> = new Set([
  Code.Canceled,
  Code.DeadlineExceeded,
  Code.PermissionDenied,
  Code.Unauthenticated,
]);

function below(count: number): number {
  return Math.floor(Math.random() * count);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const running = new Tally();
/** Inputs that looked complete although a part of them was read. */
let cutOff = 0;

async function* tracked<Item>(items: () => AsyncIterable<Item>): AsyncGenerator<Item> {
  running.add(1);
  try {
    yield* items();
  } finally {
    if (below(3) === 0) await pause(below(20));
    running.add(-1);
  }
}

async function* messages() {
  for (let n = 0; n < MESSAGES; n++) {
    if (below(4) === 0) await pause(below(4));
    yield { text: "a", data: new Uint8Array(below(3_000)) };
  }
}

async function* answersTo(input: AsyncIterable<unknown>) {
  let count = 0;
  for await (const _ of input) {
    count++;
    if (below(4) === 0) yield { text: "a" };
  }
  if (count !== MESSAGES) cutOff++;
  yield { text: String(count) };
}

const routines = {
  down: routine("mixed.down", () => tracked(messages)),
  up: duplexRoutine(
    "mixed.up",
    (input: AsyncIterable<{ text: string }>) => tracked(() => answersTo(input)),
  ),
};

/** Makes a call of any kind, in any protocol, whose caller may leave it. */
async function call(dispatcher: Dispatcher): Promise<void> {
  const protocol = (["connect", "grpc", "grpc-web"] as const)[below(3)]!;
  const interceptors = below(2) ? [throughPlainPath] : [];
  const echo = createClient(EchoService, dispatcher.transportFor({ protocol, interceptors }));
  const leaving = new AbortController();
  if (below(4) === 0) setTimeout(() => leaving.abort(), below(80));
  const timeoutMs = below(4) === 0 ? { timeoutMs: 1 + below(80) } : {};
  const options = { signal: leaving.signal, ...timeoutMs };
  const stopAfter = below(4) === 0 ? below(MESSAGES) : Infinity;
  const read = async (answers: AsyncIterable<unknown>) => {
    let count = 0;
    for await (const _ of answers) if (++count > stopAfter) break;
  };
  const kinds = [
    () => read(dispatcher.stream(routines.down, [], options)),
    () => read(dispatcher.duplex(routines.up, messages(), [], options)),
    () => read(echo.repeat({}, options)),
    () => echo.collect(messages(), options),
    () => read(echo.converse(messages(), options)),
  ];
  try {
    await kinds[below(kinds.length)]!();
  } catch (error) {
    const isExpected = error instanceof ConnectError
      ? EXPECTED.has(error.code)
      : error instanceof SelvageError || leaving.signal.aborted;
    if (!isExpected) throw error;
  }
}

for (const path of ["fast path", "plain path"] as const) {
  Deno.test(`${path}: no stream that is denied is lost, leaves anything, or takes a part of its input for all`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      const policy = `${folder}/policy.jsonc`;
      await Deno.writeTextFile(policy, ALLOWED);
      const trust = new Trust();
      await using worker = await startWorker(trust, {
        routines,
        policy,
        authenticate: ({ token }) => ({ claims: {}, expiresAt: Number(token) }),
        services: (router) =>
          router.service(EchoService, {
            echo: () => ({}),
            repeat: () => tracked(messages),
            collect: async (requests) => {
              let last = {};
              for await (const answer of tracked(() => answersTo(requests))) last = answer;
              return last;
            },
            converse: (requests) => tracked(() => answersTo(requests)),
          }, path === "plain path" ? { interceptors: [throughPlainPath] } : undefined),
      });
      const lasts = () => below(3) === 0 ? 5 + below(150) : 3_600_000;
      await using dispatcher = await openDispatcher(trust, worker.address, {
        token: () => String(Date.now() + lasts()),
      });
      let left = CALLS;
      const changing = (async () => {
        while (left > 0) {
          await Deno.writeTextFile(policy, DENIED);
          await pause(below(40));
          await Deno.writeTextFile(policy, ALLOWED);
          await pause(100 + below(100));
        }
      })();
      await Promise.all(Array.from({ length: AT_ONCE }, async () => {
        while (left-- > 0) await call(dispatcher);
      }));
      await changing;
      await running.until((calls) => calls === 0);
      const echo = createClient(EchoService, dispatcher.transport);
      // Its token may end too soon; what has ended gives its place back before it is answered.
      do await echo.echo({}).catch(() => {}); while (worker.inFlight > 0);
      assert.equal(cutOff, 0);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
