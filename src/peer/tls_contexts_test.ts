import assert from "node:assert/strict";
import { parseAddress } from "../channel/mod.ts";
import { parsePattern } from "../identity/mod.ts";
import { serverName } from "./tls_contexts.ts";

/** The name told to the server, by what was dialled and who is expected. */
const NAMES: readonly (readonly [string, string, string | undefined])[] = [
  ["127.0.0.1:1", "worker.pool.internal", "worker.pool.internal"],
  ["10.0.0.7:1", "dns:worker.pool.internal", "worker.pool.internal"],
  ["host.example:1", "dns:*.pool.internal", "host.example"],
  ["host.example:1", "spiffe://example.org/worker", "host.example"],
  ["host.example.:1", "spiffe://example.org/worker", "host.example"],
  ["127.0.0.1:1", "spiffe://example.org/worker", undefined],
  ["[::1]:1", "spiffe://example.org/worker", undefined],
  ["unix:/run/worker.sock", "spiffe://example.org/worker", undefined],
];

for (const [address, expected, name] of NAMES) {
  Deno.test(`serverName for ${expected} at ${address} is ${name ?? "none"}`, () => {
    assert.equal(serverName(parseAddress(address), [parsePattern(expected)]), name);
  });
}
