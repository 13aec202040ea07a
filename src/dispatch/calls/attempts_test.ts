import assert from "node:assert/strict";
import { Code, ConnectError } from "@connectrpc/connect";
import { ManualClock } from "../../../tests/support/manual_clock.ts";
import { RecordingObserver } from "../../../tests/support/recording_observer.ts";
import { ErrorCode } from "../../http2/mod.ts";
import { StreamFailure } from "../../rpc/mod.ts";
import { Endpoint } from "../endpoint/endpoint.ts";
import { FakeNetwork } from "../../../tests/support/fake_network.ts";
import type { Fleet } from "../fleet/fleet.ts";
import { Attempts } from "./attempts.ts";
import type { PlacedCall } from "./placed_call.ts";
import { RetryBudget } from "./retry_budget.ts";

const call: PlacedCall = {
  routine: "math.add",
  wanted: {},
  idempotent: true,
  signal: undefined,
  timeoutMs: undefined,
  deadline: undefined,
};

function failed(how: "not-processed" | "connection-lost"): ConnectError {
  const cause = new StreamFailure({ how, code: ErrorCode.REFUSED_STREAM });
  return new ConnectError("failed", Code.Unavailable, undefined, undefined, cause);
}

/** Attempts on workers of which the first that was not tried is chosen. */
async function setUp(count: number, burst = 10) {
  const clock = new ManualClock();
  const observer = new RecordingObserver();
  const { dial } = new FakeNetwork(clock);
  const endpoints = Array.from(
    { length: count },
    (_, at) =>
      new Endpoint({ address: `10.0.0.${at + 1}:1` }, {
        dial,
        clock,
        observer,
        random: () => 0,
        backoff: {},
        connectionAgeMs: 3_600_000,
        distrustGraceMs: 25_000,
        onChange: () => {},
      }),
  );
  for (const endpoint of endpoints) await endpoint.connect();
  const fleet = {
    closed: false,
    whyNone: () => "none",
    choose: (_: unknown, tried?: ReadonlyMap<Endpoint, Error>) =>
      endpoints.find((endpoint) => tried?.has(endpoint) !== true),
    bring: () => Promise.resolve(undefined),
    answered: () => {},
    unanswered: () => {},
    hadNoRoom: () => {},
  } as unknown as Fleet;
  const budget = new RetryBudget(0, burst);
  const attempts = new Attempts({ fleet, clock, observer, budget });
  const retried = () =>
    observer.of("dispatch.retried").map(({ worker, cause }) => `${worker.address} ${cause}`);
  return { attempts, endpoints, retried };
}

Deno.test("Attempts reports a call that went to another worker, and no other", async () => {
  const { attempts, endpoints, retried } = await setUp(2);
  const first = await attempts.make(
    call,
    (_, endpoint) =>
      endpoint === endpoints[0]
        ? Promise.reject(failed("not-processed"))
        : Promise.resolve(endpoint.address),
  );
  assert.equal(first, "10.0.0.2:1");
  assert.deepEqual(retried(), ["10.0.0.1:1 refused-stream"]);
});

Deno.test("Attempts reports nothing where there is no other worker, or the same one takes the call", async () => {
  const { attempts, retried } = await setUp(1);
  await assert.rejects(attempts.make(call, () => Promise.reject(failed("not-processed"))));
  let times = 0;
  const result = await attempts.make(
    call,
    () => ++times === 1 ? Promise.reject(failed("connection-lost")) : Promise.resolve("made"),
  );
  assert.equal(result, "made");
  assert.deepEqual(retried(), []);
});

Deno.test("Attempts makes calls again within the budget only", async () => {
  const { attempts } = await setUp(1, 1);
  let times = 0;
  const lost = () => {
    times += 1;
    return Promise.reject(failed("connection-lost"));
  };
  await assert.rejects(attempts.make(call, lost), /connection was lost/);
  assert.equal(times, 2);
});

Deno.test("Attempts gives up every worker whose connections end, not the first alone", async () => {
  const { attempts } = await setUp(2, 1_000);
  const asked: string[] = [];
  const lost = (_: unknown, { address }: Endpoint) => {
    asked.push(address);
    return Promise.reject(failed("connection-lost"));
  };
  await assert.rejects(attempts.make(call, lost));
  assert.deepEqual(asked, [...Array(3).fill("10.0.0.1:1"), ...Array(3).fill("10.0.0.2:1")]);
});
