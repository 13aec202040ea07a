import assert from "node:assert/strict";
import { ConfigurationError } from "../../errors/mod.ts";
import { parsePattern, parsePatterns } from "./identity_pattern.ts";

Deno.test("parsePattern() distinguishes the kinds of patterns", () => {
  const kinds: readonly [string, string][] = [
    ["*", "any"],
    ["spiffe://td/ns/*/sa/**", "spiffe"],
    ["worker.pool.internal", "dns"],
    ["localhost", "dns"],
    ["*.pool.internal", "dns"],
    ["dns:a.*.internal", "dns"],
    ["worker.pool.internal.", "dns"],
    ["10.0.0.1", "ip"],
    ["::1", "ip"],
    ["[::1]", "ip"],
    ["ip:::1", "ip"],
    ["uri:https://a.example/b/*", "uri"],
    ["uri:urn:pool:a", "uri"],
  ];
  for (const [text, kind] of kinds) {
    assert.equal(parsePattern(text).kind, kind, text);
    assert.equal(parsePattern(text).text, text);
  }
});

for (
  const text of [
    "",
    " ",
    "\t",
    " worker",
    "**",
    "spiffe://",
    "spiffe://*/a",
    "spiffe://td/a*",
    "spiffe://td/../a",
    "spiffe://td/",
    "spiffe://TD/a",
    "dns:",
    "dns:*",
    "dns:*.*",
    "dns:a*.b",
    "dns:a..b",
    "dns:a.b..",
    "dns:.",
    "10.0.0.1.",
    "ip:1.2.3",
    "uri:",
    "uri:no-scheme",
    "uri:spiffe://td/a",
    "uri:https://*/a",
    "uri:https://a/b*c",
    "uri:https://a/b c",
    "ä.example",
    "cn:agent",
    `dns:${"a.".repeat(200)}a`,
  ]
) {
  Deno.test(`parsePattern() refuses ${JSON.stringify(text.slice(0, 40))}`, () => {
    assert.throws(() => parsePattern(text), ConfigurationError);
  });
}

Deno.test("parsePattern() suggests the pattern that a text nearly is, and does not take it for it", () => {
  const meant: readonly [string, string][] = [
    ["uri:spiffe://td/a", "spiffe://td/a"],
    ["URI:spiffe://td/a/*", "spiffe://td/a/*"],
    ["spiffe://TD.Example/a", "spiffe://td.example/a"],
    ["spiffe:td/a", "spiffe://td/a"],
    ["SPIFFE://td/a/", "spiffe://td/a"],
    ["spiffe://td/", "spiffe://td"],
    ["https://a.example/b", "uri:https://a.example/b"],
    ["DNS:a.internal", "dns:a.internal"],
    ["CN=agent", "cn:agent"],
  ];
  for (const [text, suggestion] of meant) {
    assert.throws(() => parsePattern(text, { clients: true }), (error) => {
      assert.ok(error instanceof ConfigurationError);
      assert.ok(error.message.includes(`write "${suggestion}"`), error.message);
      return true;
    }, text);
    parsePattern(suggestion, { clients: true });
  }
});

Deno.test("parsePattern() takes a common name for clients only, and whole", () => {
  assert.equal(parsePattern("cn:build agent", { clients: true }).kind, "cn");
  assert.throws(() => parsePattern("cn:", { clients: true }), ConfigurationError);
  assert.throws(() => parsePattern("cn:build*", { clients: true }), ConfigurationError);
});

Deno.test("parsePattern() names the setting it was written in", () => {
  assert.throws(() => parsePattern("", { setting: "allow" }), { setting: "allow" });
});

Deno.test("parsePatterns() refuses an empty list, which would match nobody", () => {
  assert.throws(() => parsePatterns([]), ConfigurationError);
  assert.equal(parsePatterns("localhost").length, 1);
});
