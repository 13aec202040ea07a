import assert from "node:assert/strict";
import { duplexRoutine, routine } from "../contract/mod.ts";
import { HandshakeError, RoutineError } from "../errors/mod.ts";
import { currentCall } from "../routine/mod.ts";
import { inMemory } from "./mod.ts";

const add = routine("memory.add", (a: number, b: number) => a + b);
const who = routine("memory.who", () => currentCall().peer.identity ?? "nobody");
const twice = routine("memory.twice", async (n: number) => {
  return await currentCall().dispatcher.call(add, [n, n]);
});
const sums = duplexRoutine("memory.sums", async function* (input: AsyncIterable<number>) {
  let sum = 0;
  for await (const n of input) yield sum += n;
});
const fail = routine("memory.fail", () => {
  throw new RangeError("too large");
});

Deno.test("inMemory() serves routines, and modules of them, without a socket", async () => {
  await using t = await inMemory({ routines: [add, { sums, notOne: 7 }] });
  assert.equal(await t.dispatcher.call(add, [1, 2]), 3);
  assert.deepEqual(await Array.fromAsync(t.dispatcher.duplex(sums, [1, 2, 3], [])), [1, 3, 6]);
});

Deno.test("inMemory() throws what a remote routine throws", async () => {
  await using t = await inMemory({ routines: [fail] });
  await assert.rejects(
    t.dispatcher.call(fail, []),
    (error) => error instanceof RoutineError && error.remoteName === "RangeError",
  );
});

Deno.test("inMemory() lets the worker take its caller for whom it is said to be", async () => {
  await using known = await inMemory({ routines: [who], as: "spiffe://x/client/a" });
  assert.equal(await known.dispatcher.call(who, []), "spiffe://x/client/a");
  await using host = await inMemory({ routines: [who], as: "a.pool.internal" });
  assert.equal(await host.dispatcher.call(who, []), "dns:a.pool.internal");
  await using nobody = await inMemory({ routines: [who] });
  assert.equal(await nobody.dispatcher.call(who, []), "nobody");
});

Deno.test("inMemory() lets a routine call others on the same worker", async () => {
  await using t = await inMemory({ routines: [add, twice] });
  assert.equal(await t.dispatcher.call(twice, [21]), 42);
});

Deno.test("InMemory.refuse() fails the next handshakes with the given reason, accept() ends that", async () => {
  await using t = await inMemory({ routines: [add] });
  await t.dispatcher.call(add, [1, 2]);
  t.refuse("identity-mismatch");
  await assert.rejects(
    t.dispatcher.call(add, [1, 2]),
    (error) =>
      error instanceof HandshakeError && error.reason === "identity-mismatch" &&
      error.side === "dispatcher",
  );
  t.refuse("client-certificate-refused", { peerReason: "certificate-expired" });
  await assert.rejects(
    t.dispatcher.call(add, [1, 2]),
    (error) => error instanceof HandshakeError && error.peerReason === "certificate-expired",
  );
  t.accept();
  assert.equal(await t.dispatcher.call(add, [1, 2]), 3);
});
