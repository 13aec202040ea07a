import assert from "node:assert/strict";
import { Connecting } from "./connecting.ts";
import type { Endpoint } from "../endpoint/endpoint.ts";

/** Counts how often it is to connect, and connects when the test says so. */
class FakeEndpoint {
  readonly #settled = Promise.withResolvers<boolean>();
  connects = 0;

  constructor(readonly state: "idle" | "failing") {}

  connect(): Promise<boolean> {
    this.connects += 1;
    return this.#settled.promise;
  }

  settle(opened: boolean): void {
    this.#settled.resolve(opened);
  }
}

const make = (count: number, state: FakeEndpoint["state"]) =>
  Array.from({ length: count }, () => new FakeEndpoint(state));
const as = (endpoints: readonly FakeEndpoint[]) => endpoints as unknown as readonly Endpoint[];

Deno.test("Connecting makes one attempt for all calls that wait, and ends it at the first that opens", async () => {
  const connecting = new Connecting(Math.random);
  const idle = make(100, "idle");
  const calls = Array.from({ length: 1_000 }, () => connecting.join(undefined, as(idle)));
  assert.deepEqual(new Set(idle.map(({ connects }) => connects)), new Set([1]));
  idle[50]!.settle(true);
  assert.deepEqual(new Set(await Promise.all(calls)), new Set([undefined]));
  await connecting.join(undefined, as(idle));
  assert.equal(idle[0]!.connects, 2);
});

Deno.test("Connecting dials 16 of those that have failed, and takes the others' failures as they are", async () => {
  const connecting = new Connecting(Math.random);
  const failing = make(1_000, "failing");
  const calls = [connecting.join([], as(failing)), connecting.join([], as(failing.slice(1)))];
  const dialled = failing.filter(({ connects }) => connects > 0);
  assert.equal(dialled.length, 16);
  for (const endpoint of dialled) endpoint.settle(false);
  for (const failed of await Promise.all(calls)) assert.equal(failed?.length, 1_000);
});

Deno.test("Connecting makes an attempt of its own for a call that the one under way brings no further", async () => {
  const connecting = new Connecting(Math.random);
  const [first, others] = [make(3, "failing"), make(2, "failing")];
  void connecting.join([], as(first));
  const own = connecting.join([], as(others));
  const tagged = connecting.join(["gpu"], as(first));
  for (const endpoint of others) endpoint.settle(false);
  assert.deepEqual(await own, others);
  for (const endpoint of first) endpoint.settle(false);
  assert.deepEqual(await tagged, first);
  assert.deepEqual(first.map(({ connects }) => connects), [2, 2, 2]);
});
