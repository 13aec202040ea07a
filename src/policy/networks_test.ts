import assert from "node:assert/strict";
import { ConfigurationError } from "../errors/mod.ts";
import { parseNetworks } from "./networks.ts";

Deno.test("parseNetworks() decides who is inside by the address of the socket", () => {
  const networks = parseNetworks(["10.0.0.0/8", "fd00::/8", "192.0.2.7"], "from");
  const inside = ["10.255.0.1:1", "[fd12::1]:1", "192.0.2.7:80", "[::ffff:10.0.0.1]:1"];
  for (const address of inside) assert.ok(networks.has(address), address);
  const outside = [
    "11.0.0.1:1",
    "[fe80::1]:1",
    "192.0.2.8:80",
    "localhost:1",
    "",
    "unix:/10.0.0.1",
  ];
  for (const address of outside) assert.ok(!networks.has(address), address);
});

Deno.test("parseNetworks() refuses what is not a network, and none", () => {
  for (
    const text of ["", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8/8", "::/129", "host", "10.0.0/8"]
  ) {
    assert.throws(() => parseNetworks([text], "from"), ConfigurationError, text);
  }
  assert.throws(() => parseNetworks([], "from"), ConfigurationError);
});
