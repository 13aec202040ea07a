import assert from "node:assert/strict";
import type { EndpointSlice } from "./endpoint_slices.ts";
import { HeldSlices, TooManySlices } from "./held_slices.ts";

function slice(endpoints: number): EndpointSlice {
  const one = { addresses: ["10.0.0.1", "10.0.0.2"], targetRef: { uid: "u" } };
  return { addressType: "IPv4", endpoints: Array.from({ length: endpoints }, () => one) };
}

Deno.test("HeldSlices holds so many slices and no more, and replacing one is not adding it", () => {
  const held = new HeldSlices();
  for (let n = 0; n < 4_096; n++) held.set(`s${n}`, slice(1));
  held.set("s0", slice(2));
  assert.throws(() => held.set("one-more", slice(0)), TooManySlices);
  held.delete("s1");
  held.set("one-more", slice(0));
  assert.equal(held.size, 4_096);
});

Deno.test("HeldSlices counts endpoints, those of a slice up to the API's own limit", () => {
  const held = new HeldSlices();
  for (let n = 0; n < 65; n++) held.set(`s${n}`, slice(2_000));
  assert.throws(() => held.set("one-more", slice(1_000)), TooManySlices);
  // What is replaced or forgotten counts no more.
  held.delete("s0");
  held.set("s1", slice(0));
  held.set("one-more", slice(1_000));
});

Deno.test("HeldSlices keeps no more of a slice than is read", () => {
  const held = new HeldSlices();
  const long = "x".repeat(100_000);
  held.set("s", {
    metadata: { name: "s", resourceVersion: long, labels: { long } } as { name: string },
    addressType: "IPv4",
    endpoints: [{ addresses: ["10.0.0.1", long], conditions: { ready: null } }],
    ports: [{ name: long, port: 1 }],
  });
  const [kept] = held.values();
  assert.deepEqual(kept?.endpoints, [{ addresses: ["10.0.0.1"], conditions: { ready: null } }]);
  assert.ok(JSON.stringify(kept).length < 1_000);
});
