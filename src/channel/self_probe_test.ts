import assert from "node:assert/strict";
import { createServer } from "node:net";
import { probeListener } from "./self_probe.ts";

/** Longer than a probe waits, and than a turn of it, in milliseconds. */
const STALLS_MS = [2_200, 250, 250];

Deno.test("probeListener() does not count time in which the event loop stalled", async () => {
  const server = createServer((socket) => void socket.resume().on("error", () => {}));
  const { promise: listening, resolve: listens } = Promise.withResolvers<void>();
  server.listen({ host: "127.0.0.1", port: 0 }, listens);
  await listening;
  const { port } = server.address() as { readonly port: number };
  const { promise: accepted, resolve: accept } = Promise.withResolvers<void>();
  const result = probeListener(
    { kind: "tcp", host: "127.0.0.1", port },
    new Uint8Array(16),
    accepted,
    new AbortController().signal,
  );
  for (const stallMs of STALLS_MS) {
    stall(stallMs);
    // Timers that have fallen due fire before this one.
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
  }
  accept();
  assert.equal(await result, "accepted");
  server.close();
});

/** Keeps the event loop from running. */
function stall(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
