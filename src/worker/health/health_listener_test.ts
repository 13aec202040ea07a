import assert from "node:assert/strict";
import { RecordingObserver } from "../../../tests/support/recording_observer.ts";
import { systemClock } from "../../observe/mod.ts";
import { WorkerHealth } from "./health.ts";
import { listenForHealth } from "./health_listener.ts";

/** Connections of probes at once. */
const MOST_PROBES = 64;

async function listen(expired: () => boolean = () => false) {
  const observer = new RecordingObserver();
  const listener = await listenForHealth({ kind: "tcp", host: "127.0.0.1", port: 0 }, {
    health: new WorkerHealth(() => new Set()),
    expired,
    descriptors: 65_536,
    clock: systemClock,
    observer,
    metrics: undefined,
  });
  assert.ok(listener.address.kind === "tcp");
  const { port } = listener.address;
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    await response.body?.cancel();
    return response.status;
  };
  return { listener, observer, port, get };
}

Deno.test("listenForHealth() is alive and not ready while the worker's certificate has expired", async () => {
  let expired = false;
  const { listener, get } = await listen(() => expired);
  await using _listener = listener;
  assert.equal(await get("/readyz"), 200);
  expired = true;
  assert.deepEqual([await get("/livez"), await get("/readyz")], [200, 503]);
});

Deno.test("listenForHealth() answers a probe beside as many silent connections as it holds, and reports none", async () => {
  const { listener, observer, port, get } = await listen();
  await using _listener = listener;
  const silent = await Promise.all(
    Array.from({ length: MOST_PROBES }, () => Deno.connect({ hostname: "127.0.0.1", port })),
  );
  try {
    const displaced = Promise.any(
      silent.map((one) => one.read(new Uint8Array(1)).catch(() => null)),
    );
    assert.equal(await get("/livez"), 200);
    assert.equal(await displaced, null);
    assert.deepEqual(observer.of("handshake.refused"), []);
  } finally {
    for (const one of silent) one.close();
  }
});
