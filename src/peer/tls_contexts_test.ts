import assert from "node:assert/strict";
import { parseAddress } from "../channel/mod.ts";
import { createAuthority, Credentials } from "../credentials/mod.ts";
import { parsePattern } from "../identity/mod.ts";
import { dialContexts, serverName } from "./tls_contexts.ts";

/** The name sent to the server, by what was dialled and who is expected. */
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

Deno.test("dialContexts() prepares TLS once for one text, and apart for another, and for each version", async () => {
  const authority = createAuthority({ name: "contexts" });
  const credentialsOf = (name: string) => {
    const { caPem: ca, certPem: cert, keyPem: key } = authority.issue({ name, dns: [name] });
    return Credentials.fromPem({ ca, cert, key });
  };
  const credentials = credentialsOf("a.internal");
  await using first = await credentials.open();
  await using again = await credentials.open();
  await using other = await credentialsOf("b.internal").open();
  const contexts = dialContexts(first.current(), "TLSv1.3");
  assert.equal(dialContexts(again.current(), "TLSv1.3"), contexts);
  assert.notEqual(dialContexts(again.current(), "TLSv1.2"), contexts);
  assert.notEqual(dialContexts(other.current(), "TLSv1.3"), contexts);
});
