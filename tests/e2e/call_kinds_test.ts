import assert from "node:assert/strict";
import { createClient } from "@connectrpc/connect";
import { type Routine, routine } from "../../src/contract/mod.ts";
import { Credentials } from "../../src/credentials/mod.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { RoutineError } from "../../src/errors/mod.ts";
import { Health, HealthCheckResponse_ServingStatus, WorkerService } from "../../src/gen/mod.ts";
import { WorkerServer } from "../../src/worker/mod.ts";
import * as routines from "./routines.ts";
import { CLIENT_ID, Trust, WORKER_ID } from "./trust.ts";
import { WorkerProcess } from "./worker_process.ts";

interface Reached extends AsyncDisposable {
  readonly dispatcher: Dispatcher;
  readonly identity: string | undefined;
  readonly security: string;
}

/** A worker, and a dispatcher that reaches it, over each kind of channel. */
const channels: Readonly<Record<string, () => Promise<Reached>>> = {
  async "mutual TLS"() {
    const trust = new Trust();
    const options = { allow: "spiffe://example.org/client/*" };
    return await reach(
      await WorkerProcess.start({ pem: trust.worker(), options }),
      { credentials: trust.client(), identity: WORKER_ID },
      { identity: CLIENT_ID, security: "mutual-tls" },
    );
  },
  async "one-way TLS"() {
    const trust = new Trust();
    return await reach(
      await WorkerProcess.start({ pem: trust.worker(WORKER_ID, { oneWay: true }) }),
      { credentials: Credentials.fromPem({ ca: trust.ca, oneWay: true }), identity: WORKER_ID },
      { identity: undefined, security: "one-way-tls" },
    );
  },
  async "one-way TLS of the platform's own listener"() {
    const trust = new Trust();
    const pem = trust.worker(WORKER_ID, { oneWay: true });
    return await reach(
      await WorkerProcess.start({ pem, options: { nativeTls: true } }),
      { credentials: Credentials.fromPem({ ca: trust.ca, oneWay: true }), identity: WORKER_ID },
      { identity: undefined, security: "one-way-tls" },
    );
  },
  async plaintext() {
    const worker = await WorkerProcess.start();
    return await reach(worker, {}, { identity: undefined, security: "plaintext" });
  },
  async "a unix socket"() {
    const folder = await Deno.makeTempDir();
    const worker = await WorkerProcess.start({ options: { listen: `unix:${folder}/worker.sock` } });
    return await reach(worker, {}, { identity: undefined, security: "unix-socket" });
  },
  async memory() {
    const worker = await WorkerServer.start({ listen: "memory:call-kinds", routines });
    return await reach(worker, {}, { identity: undefined, security: "memory" });
  },
};

async function reach(
  worker: AsyncDisposable & { readonly address: string },
  options: Omit<Parameters<typeof Dispatcher.open>[0], "discovery">,
  expected: Omit<Reached, "dispatcher" | typeof Symbol.asyncDispose>,
): Promise<Reached> {
  const dispatcher = await Dispatcher.open({ discovery: `static:${worker.address}`, ...options });
  return {
    dispatcher,
    ...expected,
    async [Symbol.asyncDispose]() {
      await dispatcher[Symbol.asyncDispose]();
      await worker[Symbol.asyncDispose]();
    },
  };
}

for (const [channel, open] of Object.entries(channels)) {
  Deno.test(`every kind of call works over ${channel}`, async (t) => {
    await using reached = await open();
    const { dispatcher } = reached;

    await t.step("a unary call answers", async () => {
      assert.equal(await dispatcher.call(routines.add, [40, 2]), 42);
      assert.equal(await dispatcher.call(routines.add, [40]), 41);
    });

    await t.step("a stream gives every item in order", async () => {
      const items = await Array.fromAsync(dispatcher.stream(routines.count, ["all", 100]));
      assert.deepEqual(items, Array.from({ length: 100 }, (_, n) => n + 1));
    });

    await t.step("a duplex call answers while it is sent items", async () => {
      async function* numbers() {
        for (let n = 1; n <= 50; n++) yield n;
      }
      const sums = await Array.fromAsync(dispatcher.duplex(routines.tally, numbers(), [10]));
      assert.deepEqual([sums.length, sums[0], sums.at(-1)], [50, 11, 10 + 50 * 51 / 2]);
    });

    await t.step("routines become methods of a client", async () => {
      const client = dispatcher.client({ add: routines.add, count: routines.count });
      assert.equal(await client.add(1, 2), 3);
      assert.deepEqual(await Array.fromAsync(client.count("client", 3)), [1, 2, 3]);
      const contract: Routine<(name: string, limit: number) => AsyncIterable<number>> = routine(
        "math.count",
      );
      const { stream } = dispatcher.client({ stream: contract });
      assert.deepEqual(await Array.fromAsync(stream("contract", 2)), [1, 2]);
    });

    await t.step("a Connect client uses the transport", async () => {
      const { status } = await createClient(Health, dispatcher.transport).check({});
      assert.equal(status, HealthCheckResponse_ServingStatus.SERVING);
      const described = await createClient(WorkerService, dispatcher.transport).describe({});
      assert.ok(described.routines.some(({ name }) => name === routines.add.name));
      assert.ok(described.services.includes("grpc.health.v1.Health"));
    });

    await t.step("a routine's error keeps its name, message, cause and data", async () => {
      await assert.rejects(dispatcher.call(routines.fail, ["range"]), (error) => {
        assert.ok(error instanceof RoutineError);
        assert.deepEqual(
          [error.remoteName, error.message, error.data, (error.cause as Error).message],
          ["RangeError", "out of range", { code: 7 }, "deep"],
        );
        return true;
      });
    });

    await t.step("currentCall() reports who calls, in a call and in a stream", async () => {
      const call = await dispatcher.call(routines.whoami, [], { timeoutMs: 60_000 });
      assert.deepEqual([call.peer.identity, call.peer.security], [
        reached.identity,
        reached.security,
      ]);
      const left = (call.deadline as number) - Date.now();
      assert.ok(left > 0 && left <= 60_000, `${left} ms are left`);
      const seen = await Array.fromAsync(dispatcher.stream(routines.whoamiStream, []));
      assert.deepEqual(seen, [reached.identity, reached.identity]);
    });
  });
}
