import assert from "node:assert/strict";
import { resolve } from "node:path";
import { ConfigurationError } from "../errors/mod.ts";
import { endpointSocket } from "./endpoint_socket.ts";

Deno.test("endpointSocket() reads paths and unix URIs", () => {
  const cases: [string, string][] = [
    ["/run/spire/agent.sock", "/run/spire/agent.sock"],
    ["agent.sock", resolve("agent.sock")],
    ["unix:///run/spire/agent.sock", "/run/spire/agent.sock"],
    ["unix:/run/spire/agent.sock", "/run/spire/agent.sock"],
    ["UNIX:///run/a%20b.sock", "/run/a b.sock"],
  ];
  for (const [text, path] of cases) {
    assert.deepEqual(endpointSocket(text, "socket"), { kind: "unix", path });
  }
});

Deno.test("endpointSocket() turns down what is no unix socket, naming the setting", () => {
  const cases = [
    "",
    "  ",
    "unix:",
    "unix://",
    "unix:///",
    "unix://host/agent.sock",
    "unix:agent.sock",
    "unix:///agent.sock?x",
    "unix:///agent.sock#x",
    "unix:///%zz",
    "unix:///a%00b",
    "tcp://127.0.0.1:8000",
    "http://localhost",
    `/${"a".repeat(200)}`,
  ];
  for (const text of cases) {
    assert.throws(
      () => endpointSocket(text, "socket"),
      (error) => error instanceof ConfigurationError && error.setting === "socket",
      text,
    );
  }
});
