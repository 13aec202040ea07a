import assert from "node:assert/strict";
import { ConnectedPeer } from "./connected_peer.ts";

Deno.test("ConnectedPeer is one peer over all ports of a host, and all addresses of a /64", () => {
  const keyAt = (remoteAddress: string) =>
    new ConnectedPeer({
      id: 1,
      identity: undefined,
      remoteAddress,
      since: 0,
      facts: { security: "mutual-tls", remoteAddress },
    }).key;
  assert.equal(keyAt("10.0.0.9:1"), keyAt("10.0.0.9:2"));
  assert.notEqual(keyAt("10.0.0.9:1"), keyAt("10.0.0.8:1"));
  assert.equal(keyAt("[2001:db8:0:7::1]:1"), keyAt("[2001:db8:0:7:a:b:c:d]:2"));
  assert.notEqual(keyAt("[2001:db8:0:7::1]:1"), keyAt("[2001:db8:0:8::1]:1"));
  assert.equal(keyAt("unix:/run/worker"), keyAt("unix:/run/worker"));
  assert.notEqual(keyAt("memory:a"), keyAt("memory:b"));
});
