import assert from "node:assert/strict";
import { Code } from "@connectrpc/connect";
import { HealthCheckResponse_ServingStatus } from "../../src/gen/mod.ts";
import { type EchoWorker, LARGE_BYTES, startEchoWorker } from "./ground.ts";
import { NODE } from "./node_program.ts";
import type { Program } from "./program.ts";
import { testWithTool, type Tool } from "./tool.ts";

/** What a foreign client reports of a call. */
interface Outcome {
  readonly text?: string;
  readonly texts?: readonly string[];
  readonly same?: boolean;
  readonly items?: number;
  readonly status?: number;
  readonly said?: string;
  readonly saidLast?: string;
  readonly failure?: {
    readonly code: number;
    readonly message: string;
    readonly failure: string;
    readonly failureBin: string;
    readonly details: readonly { readonly text: string; readonly count: number }[];
  };
}

/** Starts a foreign client of a worker. */
export type StartClient = (config: EchoWorker["config"]) => Promise<Program>;

/** Streams that are open at once on one connection. */
const STREAMS = 1_000;
/** Connections that are asked to leave under a client's calls, and one more. */
const CONNECTIONS = 4;

/** Has a foreign client make every kind of call on a worker, over mutual TLS. */
export function testForeignClient(name: string, start: StartClient, tool: Tool = NODE): void {
  testWithTool(tool, `${name} calls a worker`, async (_, t) => {
    await using served = await startEchoWorker();
    await using client = await start(served.config);
    const ask = (what: string, about = {}): Promise<Outcome> => client.ask(what, about);

    await t.step("asks whether it is healthy", async () => {
      const { status } = await ask("health");
      assert.equal(status, HealthCheckResponse_ServingStatus.SERVING);
    });

    await t.step("gets an answer with headers and trailers", async () => {
      const outcome = await ask("echo", { text: "hello", say: "heard" });
      assert.deepEqual(outcome, { text: "hello", same: true, said: "heard", saidLast: "heard" });
    });

    await t.step("gets 16 MiB back", async () => {
      const { text, same } = await ask("echo", { text: "large", bytes: LARGE_BYTES });
      assert.deepEqual([text, same], ["large", true]);
    });

    await t.step("gets an error with code, message, metadata and details", async () => {
      const { failure } = await ask("echo", { text: "fail" });
      assert.deepEqual(failure, {
        code: Code.FailedPrecondition,
        message: "asked to fail, 100% \u2013 sorry",
        failure: "yes",
        failureBin: "AAEC",
        details: [{ text: "a detail", count: 7 }],
      });
    });

    await t.step("reads a stream to its trailers", async () => {
      const outcome = await ask("repeat", { text: "again", count: 200, bytes: 1_000, say: "so" });
      assert.deepEqual(outcome, { items: 200, said: "so", saidLast: "so" });
    });

    await t.step("reads a stream of 16 MiB messages", async () => {
      const { items } = await ask("repeat", { text: "large", count: 2, bytes: LARGE_BYTES });
      assert.equal(items, 2);
    });

    await t.step("reads a stream up to its error", async () => {
      const { items, failure } = await ask("repeat", { text: "fail", count: 3 });
      assert.deepEqual([items, failure?.code, failure?.details.length], [
        3,
        Code.FailedPrecondition,
        1,
      ]);
    });

    await t.step("sends a stream", async () => {
      const texts = Array.from({ length: 100 }, (_, n) => `part-${n}`);
      const { text } = await ask("collect", { texts });
      assert.equal(text, texts.join(" "));
    });

    await t.step("is answered before its stream has ended", async () => {
      const { text } = await ask("collect", { texts: ["this", "is", "enough"] });
      assert.equal(text, "this is enough");
    });

    await t.step("speaks and listens in turn", async () => {
      const texts = Array.from({ length: 50 }, (_, n) => `turn-${n}`);
      const outcome = await ask("converse", { texts, bytes: 1_000 });
      assert.deepEqual([outcome.texts, outcome.same], [
        texts.map((text, n) => `${n} ${text}`),
        true,
      ]);
    });

    await t.step("has its deadline reach the implementation's signal", async () => {
      const stopped = served.stopped();
      // Long enough for the call to begin on a busy machine.
      const { failure } = await ask("echo", { text: "hang", timeoutMs: 2_000 });
      assert.equal(failure?.code, Code.DeadlineExceeded);
      await stopped;
    });

    await t.step("has its cancellation reach the implementation's signal", async () => {
      const stopped = served.stopped();
      const hangs = served.hanging();
      const outcome = ask("echo", { text: "hang" });
      await hangs;
      await ask("abort");
      assert.equal((await outcome).failure?.code, Code.Canceled);
      await stopped;
    });

    await t.step("holds 1,000 streams on one connection", async () => {
      assert.equal(await client.ask("hold", { count: STREAMS }), STREAMS);
      const streams = served.worker.peers().map(({ calls }) => calls);
      assert.deepEqual(streams.filter((count) => count > 0), [STREAMS]);
      assert.equal(await client.ask("finish"), STREAMS);
    });

    await t.step("finishes what is in flight when the worker says GOAWAY", async () => {
      assert.equal(await client.ask("hold", { count: 20 }), 20);
      const drained = served.worker.drain({ graceMs: 10_000 });
      assert.equal(await client.ask("finish"), 20);
      await drained;
      const { failure } = await ask("echo", { text: "late" });
      assert.equal(failure?.code, Code.Unavailable);
    });
  });

  testWithTool(tool, `${name} loses no call while a worker's connections age`, async () => {
    await using served = await startEchoWorker({ limits: { connectionAgeMs: 200 } });
    using events = served.worker.events();
    await using client = await start(served.config);
    const load = client.ask<Load>("load", { callers: 8 });
    let connections = 0;
    for await (const { type } of events) {
      if (type === "peer.accepted" && ++connections === CONNECTIONS) break;
    }
    await client.ask("stop");
    const { calls, refused = 0, failures } = await load;
    assert.deepEqual(failures, []);
    assert.equal(served.record.begun, calls - refused);
  });
}

/** What a foreign client reports of many calls. */
interface Load {
  readonly calls: number;
  /** Those that its own HTTP/2 took back before they were sent, because of a GOAWAY. Default 0. */
  readonly refused?: number;
  readonly failures: readonly string[];
}
