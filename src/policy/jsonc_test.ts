import assert from "node:assert/strict";
import { ConfigurationError } from "../errors/mod.ts";
import { parseJsonc } from "./jsonc.ts";

const parse = (text: string) => parseJsonc(text, "a.jsonc", "policy");

Deno.test("parseJsonc() reads comments and trailing commas", () => {
  assert.deepEqual(parse('{ "a": [1, 2,], /* b */ "b": { "a": 1 }, } // c'), {
    a: [1, 2],
    b: { a: 1 },
  });
});

Deno.test("parseJsonc() names the place of what is no JSON, a second key, and nesting without end", () => {
  const wrong: readonly (readonly [text: string, message: RegExp])[] = [
    ['{\n  "a": }', /^a\.jsonc: line 2, column 8 is not JSON: value expected$/],
    ['{ "a": 1,\n  "a": 2 }', /^a\.jsonc: line 2, column 3 has the key "a" for a second time$/],
    ['[{ "b": { "c": 1, "\\u0063": 2 } }]', /has the key "c" for a second time$/],
    ["[".repeat(100_000), /^a\.jsonc: line 1, column 65 is nested deeper than 64 levels$/],
    ['{"a":'.repeat(65), /nested deeper than 64 levels$/],
  ];
  for (const [text, message] of wrong) {
    assert.throws(() => parse(text), (error) => {
      assert.ok(error instanceof ConfigurationError, String(error));
      assert.match(error.message, message);
      assert.equal(error.setting, "policy");
      return true;
    });
  }
  assert.deepEqual(
    parse("[".repeat(64) + "]".repeat(64)),
    JSON.parse("[".repeat(64) + "]".repeat(64)),
  );
});
