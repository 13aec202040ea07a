import assert from "node:assert/strict";
import { ConfigurationError } from "../errors/mod.ts";
import { dnsDiscovery } from "./dns.ts";

/** Answers one look-up after the other, without waiting between them. */
async function watched(answers: readonly (readonly string[] | Error)[]) {
  const stop = new AbortController();
  let turn = 0;
  const discovery = dnsDiscovery("workers.internal:8443", {
    clock: {
      now: () => 0,
      schedule: (callback) => {
        queueMicrotask(callback);
        return { [Symbol.dispose]: () => {} };
      },
    },
    resolve: () => {
      const answer = answers[turn++]!;
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  });
  const batches = [];
  for await (const batch of discovery.watch(stop.signal)) {
    batches.push(batch);
    if (batches.length === answers.length) stop.abort();
  }
  return batches;
}

const worker = (address: string) => ({ address, expected: "workers.internal" });

Deno.test("dns discovery follows a name's addresses, and expects the name of each worker", async () => {
  assert.deepEqual(await watched([["10.0.0.1", "fd00::1"], ["10.0.0.2", "fd00::1"], []]), [
    [
      { kind: "added", worker: worker("10.0.0.1:8443") },
      { kind: "added", worker: worker("[fd00::1]:8443") },
    ],
    [
      { kind: "removed", address: "10.0.0.1:8443" },
      { kind: "added", worker: worker("10.0.0.2:8443") },
    ],
    [
      { kind: "removed", address: "[fd00::1]:8443" },
      { kind: "removed", address: "10.0.0.2:8443" },
    ],
  ]);
});

Deno.test("dns discovery keeps what it found while look-ups fail", async () => {
  const [, failed, after] = await watched([["10.0.0.1"], new Error("timed out"), ["10.0.0.1"]]);
  assert.deepEqual(failed, [{ kind: "failed", message: "workers.internal: timed out" }]);
  assert.deepEqual(after, []);
});

Deno.test("dns discovery needs a name and a port", () => {
  for (const endpoint of ["10.0.0.1:8443", "[::1]:8443", "workers.internal:0", "workers"]) {
    assert.throws(() => dnsDiscovery(endpoint), ConfigurationError, endpoint);
  }
});
