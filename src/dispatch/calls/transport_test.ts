import assert from "node:assert/strict";
import {
  Code,
  ConnectError,
  createClient,
  type Interceptor,
  type Transport,
} from "@connectrpc/connect";
import { echoService, emptyRecord } from "../../../tests/support/echo.ts";
import { EchoService } from "../../../tests/support/gen/selvage/test/v1/echo_pb.ts";
import { RecordingObserver } from "../../../tests/support/recording_observer.ts";
import { type RpcPair, rpcPair } from "../../../tests/support/rpc_pair.ts";
import { type CallRecord, CallRecords } from "../../observe/mod.ts";
import type { TransportChoices } from "../../rpc/mod.ts";
import { ManualClock } from "../../../tests/support/manual_clock.ts";
import type { Endpoint } from "../endpoint/endpoint.ts";
import type { Fleet } from "../fleet/fleet.ts";
import { HeldCalls } from "../endpoint/held_calls.ts";
import type { Link } from "../endpoint/link.ts";
import { Attempts } from "./attempts.ts";
import { CallSettings } from "./call_settings.ts";
import { RetryBudget } from "./retry_budget.ts";
import { serviceTransport } from "./service_call.ts";

/** Records of calls that say what they were told. */
class Outcomes extends CallRecords {
  readonly outcomes: string[] = [];

  override begin(...facts: Parameters<CallRecords["begin"]>): CallRecord {
    const say = (outcome: string) => () => void this.outcomes.push(outcome);
    return Object.assign(super.begin(...facts), {
      succeeded: say("succeeded"),
      failed: say("failed"),
      left: say("left"),
    });
  }
}

/** Two workers: the first is always chosen where it was not tried, and takes no more calls. */
class Pool implements AsyncDisposable {
  readonly record = emptyRecord();
  readonly observer = new RecordingObserver();
  readonly records = new Outcomes(this.observer, "dispatcher", new ManualClock());
  readonly pairs: readonly RpcPair[] = [0, 1].map(() =>
    rpcPair((router) => router.service(EchoService, echoService(this.record)))
  );
  readonly endpoints: readonly Endpoint[] = this.pairs.map(({ client }, at) =>
    ({
      linkForCall: () => ({ connection: client }) as unknown as Link,
      ref: { address: `worker-${at}` },
      held: new HeldCalls(),
    }) as unknown as Endpoint
  );

  client(choices: TransportChoices = {}) {
    return createClient(EchoService, this.transport(choices));
  }

  transport(choices: TransportChoices = {}): Transport {
    const fleet = {
      closed: false,
      answered: () => {},
      unanswered: () => {},
      hadNoRoom: () => {},
      choose: (_: unknown, tried?: ReadonlyMap<Endpoint, Error>) =>
        this.endpoints.find((endpoint) => tried?.has(endpoint) !== true),
    } as unknown as Fleet;
    const attempts = new Attempts({
      fleet,
      clock: new ManualClock(),
      observer: this.observer,
      budget: new RetryBudget(0.1, 10),
    });
    const settings = new CallSettings({ timeoutMs: 0 }, undefined, "dispatcher");
    const options = { attempts, limits: {}, fields: undefined, settings };
    return serviceTransport(options, choices, this.records);
  }

  retried(): string[] {
    return this.observer.of("dispatch.retried").map(({ routine, cause, worker }) =>
      `${routine} ${cause} ${worker.address}`
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pair of this.pairs) await pair[Symbol.asyncDispose]();
  }
}

const WAYS: Readonly<Record<string, TransportChoices>> = {
  "the fast path": {},
  "the plain path": { useBinaryFormat: false },
  "interceptors": { interceptors: [(next) => (request) => next(request)] },
  "gRPC": { protocol: "grpc" },
};

for (const [name, choices] of Object.entries(WAYS)) {
  Deno.test(`serviceTransport() on ${name} makes a call elsewhere that has not begun, and says so`, async () => {
    await using pool = new Pool();
    pool.pairs[0]!.retire();
    const client = pool.client(choices);
    assert.equal((await client.echo({ text: "hello" })).text, "hello");
    async function* requests() {
      for (const text of ["a", "b", "c"]) yield { text };
    }
    assert.equal((await client.collect(requests())).text, "a b c");
    // The first worker is asked again, over other connections, before the call goes to the second.
    const expected = ["Echo", "Collect"].map((method) =>
      `${EchoService.typeName}/${method} goaway worker-0`
    );
    assert.deepEqual(pool.retried(), expected);
    assert.deepEqual(pool.endpoints.map(({ held }) => held.size), [0, 0]);
  });
}

async function* one(request: { count: number; text?: string }) {
  yield request;
}

for (const [name, choices] of Object.entries(WAYS)) {
  Deno.test(`serviceTransport() on ${name} records once how a stream ended, and ends after what it throws`, async () => {
    await using pool = new Pool();
    const transport = pool.transport(choices);
    const begin = async (request: { count: number; text?: string }) => {
      const { repeat } = EchoService.method;
      const { message } = await transport
        .stream(repeat, undefined, undefined, undefined, one(request));
      return message[Symbol.asyncIterator]();
    };
    const { outcomes } = pool.records;

    const whole = await begin({ count: 2 });
    const results = await Promise.all([whole.next(), whole.next(), whole.next(), whole.next()]);
    assert.deepEqual(results.map(({ value }) => value?.index), [0, 1, undefined, undefined]);
    await whole.return?.();
    assert.deepEqual(outcomes, ["succeeded"]);

    const failing = await begin({ count: 1, text: "fail" });
    await failing.next();
    const error = await failing.next().catch((error) => error);
    assert.equal((error as ConnectError).code, Code.FailedPrecondition);
    assert.deepEqual(await failing.next(), { done: true, value: undefined });
    assert.deepEqual(outcomes, ["succeeded", "failed"]);

    const left = await begin({ count: 1, text: "hang" });
    await left.next();
    assert.equal((await left.return?.())?.done, true);
    assert.equal((await left.next()).done, true);
    await pool.pairs[0]!.idle();
    assert.deepEqual(outcomes, ["succeeded", "failed", "left"]);
    assert.equal(pool.endpoints[0]!.held.size, 0);
  });
}

Deno.test("serviceTransport() counts a stream as in flight at its worker until it is over", async () => {
  await using pool = new Pool();
  const inFlight = () => pool.endpoints[0]!.held.size;
  const caller = new AbortController();
  const stream = pool.client().repeat({ count: 1, text: "hang" }, caller)[Symbol.asyncIterator]();
  await stream.next();
  assert.equal(inFlight(), 1);
  caller.abort();
  await assert.rejects(stream.next());
  assert.equal(inFlight(), 0);
});

Deno.test("serviceTransport() runs interceptors once a call, the first outermost", async () => {
  await using pool = new Pool();
  pool.pairs[0]!.retire();
  const seen: string[] = [];
  const named = (name: string): Interceptor => (next) => async (request) => {
    seen.push(`${name} ${request.method.name}`);
    request.header.set("x-say", name);
    return await next(request);
  };
  const client = pool.client({ interceptors: [named("outer"), named("inner")] });
  let said: string | null = null;
  await client.echo({ text: "x" }, { onHeader: (header) => said = header.get("x-said") });
  await Array.fromAsync(client.repeat({ count: 1 }));
  assert.deepEqual(seen, ["outer Echo", "inner Echo", "outer Repeat", "inner Repeat"]);
  assert.equal(said, "inner");
});

Deno.test("serviceTransport() bounds a call by its deadline, whatever its interceptors do", async () => {
  await using pool = new Pool();
  const client = pool.client({ interceptors: [(next) => (request) => next(request)] });
  const late = await client.echo({ text: "hang" }, { timeoutMs: 200 }).catch((error) => error);
  assert.ok(late instanceof ConnectError);
  assert.equal(late.code, Code.DeadlineExceeded);
});
