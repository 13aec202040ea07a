import assert from "node:assert/strict";
import { parseAddress } from "../channel/mod.ts";
import { ConfigurationError } from "../errors/mod.ts";
import { plaintextPosture } from "./plaintext.ts";

Deno.test("plaintextPosture() accepts plaintext on this machine and warns elsewhere", () => {
  const cases = [
    ["127.0.0.1:1", "accept"],
    ["[::1]:1", "accept"],
    ["localhost:1", "accept"],
    ["unix:/run/w", "accept"],
    ["memory:w", "accept"],
    ["0.0.0.0:1", "warn"],
    ["10.0.0.1:1", "warn"],
    ["worker.internal:1", "warn"],
  ] as const;
  for (const [address, posture] of cases) {
    assert.equal(plaintextPosture(parseAddress(address), false), posture, address);
  }
});

Deno.test("plaintextPosture() refuses plaintext over TCP where strict", () => {
  for (const address of ["127.0.0.1:1", "10.0.0.1:1"]) {
    assert.throws(() => plaintextPosture(parseAddress(address), true), ConfigurationError);
  }
  assert.equal(plaintextPosture(parseAddress("unix:/run/w"), true), "accept");
});
