import assert from "node:assert/strict";
import { type Address, formatAddress, isLocal, parseAddress } from "./address.ts";

const WRITTEN: readonly (readonly [string, Address])[] = [
  ["127.0.0.1:8443", { kind: "tcp", host: "127.0.0.1", port: 8443 }],
  ["worker.pool.internal:1", { kind: "tcp", host: "worker.pool.internal", port: 1 }],
  ["[::1]:8443", { kind: "tcp", host: "::1", port: 8443 }],
  ["[fe80::1%eth0]:65535", { kind: "tcp", host: "fe80::1%eth0", port: 65_535 }],
  ["unix:/run/selvage/worker.sock", { kind: "unix", path: "/run/selvage/worker.sock" }],
  ["memory:worker-1", { kind: "memory", name: "worker-1" }],
];

for (const [text, address] of WRITTEN) {
  Deno.test(`parseAddress and formatAddress agree on ${text}`, () => {
    assert.deepEqual(parseAddress(text), address);
    assert.equal(formatAddress(address), text);
  });
}

const UNREADABLE = [
  "",
  "host",
  ":80",
  "host:",
  "host:65536",
  "host:-1",
  "host:80x",
  "::1:80",
  "[::1]",
  "[127.0.0.1]:80",
  "[::1:80",
  "a b:80",
  "user@host:80",
  "http://host:80",
  "unix:",
  `unix:/${"x".repeat(108)}`,
  "unix:/a\0b",
  "unix:/a\x1b]0;title\x07",
  "unix:/a\nok  another",
  "a\x1b7b:80",
  "a\u009bb:80",
  "a\u202eb:80",
  "memory:",
  "memory:a/b",
];

for (const text of UNREADABLE) {
  Deno.test(`parseAddress refuses ${JSON.stringify(text.slice(0, 30))} and names the setting`, () => {
    assert.throws(() => parseAddress(text, "listen"), {
      name: "ConfigurationError",
      setting: "listen",
    });
  });
}

Deno.test("parseAddress says what is wrong with a port, or with a path that is too long", () => {
  assert.throws(() => parseAddress("host:65536"), /"host:65536" is .*; a port is .* 0 to 65535$/);
  assert.throws(() => parseAddress(`unix:/${"x".repeat(108)}`), /a socket has at most 107 bytes$/);
  assert.throws(
    () => parseAddress("host"),
    /; write HOST:PORT, \[IPv6\]:PORT, unix:PATH or memory/,
  );
});

Deno.test("isLocal holds for loopback, unix sockets and memory alone", () => {
  const local = [
    "localhost:1",
    "127.9.9.9:1",
    "[::1]:1",
    "[::ffff:127.0.0.1]:1",
    "unix:/x",
    "memory:x",
  ];
  const remote = [
    "127.0.0.1.example.org:1",
    "10.0.0.1:1",
    "[::]:1",
    "0.0.0.0:1",
    "[::ffff:10.0.0.1]:1",
  ];
  assert.deepEqual(local.filter((text) => !isLocal(parseAddress(text))), []);
  assert.deepEqual(remote.filter((text) => isLocal(parseAddress(text))), []);
});
