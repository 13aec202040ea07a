import assert from "node:assert/strict";
import { ConfigurationError } from "../errors/mod.ts";
import { defaultWorkerLimits, resolveWorkerLimits, type WorkerLimits } from "./limits.ts";

Deno.test("resolveWorkerLimits() gives every default, and what is set in its place", () => {
  assert.deepEqual(resolveWorkerLimits({ descriptors: 1_024 }), defaultWorkerLimits);
  const resolved = resolveWorkerLimits({
    messageBytes: 10,
    drainGraceMs: undefined,
    verdict: { certificates: 3 },
    http2: { maxFrameBytes: 20_000 },
  });
  assert.equal(resolved.messageBytes, 10);
  assert.equal(resolved.drainGraceMs, 25_000);
  assert.deepEqual(resolved.verdict, { ...defaultWorkerLimits.verdict, certificates: 3 });
  assert.deepEqual(resolved.http2, { ...defaultWorkerLimits.http2, maxFrameBytes: 20_000 });
});

Deno.test("resolveWorkerLimits() leaves one place of eight to other peers", () => {
  assert.equal(resolveWorkerLimits({ concurrency: 16 }).concurrencyPerPeer, 14);
  assert.equal(resolveWorkerLimits({ concurrency: 1 }).concurrencyPerPeer, 1);
  assert.equal(
    resolveWorkerLimits({ concurrency: 16, concurrencyPerPeer: 16 }).concurrencyPerPeer,
    16,
  );
});

Deno.test("resolveWorkerLimits() leaves descriptors for all else than connections", () => {
  const connectionsOf = (descriptors: number) => resolveWorkerLimits({ descriptors }).connections;
  assert.deepEqual([128, 1_024, 20_000, 1_000_000].map(connectionsOf), [64, 768, 16_384, 16_384]);
  const { connections, connectionsPerAddress, connectionsPerIdentity, pendingHandshakes } =
    resolveWorkerLimits({ descriptors: 256 });
  assert.deepEqual(
    [connections, connectionsPerAddress, connectionsPerIdentity, pendingHandshakes],
    [192, 48, 144, 96],
  );
  assert.equal(resolveWorkerLimits({ pendingHandshakes: 8 }).connectionsPerAddress, 4);
  assert.equal(resolveWorkerLimits({ connections: 100 }).pendingHandshakes, 50);
});

const NOT_MEANT: readonly (readonly [setting: string, WorkerLimits])[] = [
  ["limits.concurrency", { concurrency: 0 }],
  ["limits.concurrency", { concurrency: 1.5 }],
  ["limits.concurrencyPerPeer", { concurrencyPerPeer: 0 }],
  ["limits.descriptors", { descriptors: 0 }],
  ["limits.connections", { connections: 0.5 }],
  ["limits.messageBytes", { messageBytes: -1 }],
  ["limits.handshakeTimeoutMs", { handshakeTimeoutMs: NaN }],
  ["limits.receiveTimeoutMs", { receiveTimeoutMs: Infinity }],
  ["limits.drainGraceMs", { drainGraceMs: "5s" as never }],
  ["limits.verdict.certificates", { verdict: { certificates: 0 } }],
  ["limits.verdict.chainBytes", { verdict: { chainBytes: 70_000 } }],
  ["limits.http2", { http2: { maxFrameBytes: 1 } }],
];

for (const [setting, limits] of NOT_MEANT) {
  Deno.test(`resolveWorkerLimits() refuses ${Deno.inspect(limits)}`, () => {
    assert.throws(() => resolveWorkerLimits(limits), (error) => {
      assert.ok(error instanceof ConfigurationError);
      assert.equal(error.setting, setting);
      return true;
    });
  });
}
