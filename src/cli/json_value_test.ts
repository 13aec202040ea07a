import assert from "node:assert/strict";
import { jsonOf } from "./json_value.ts";

Deno.test("jsonOf() writes what JSON does not have as what comes nearest", () => {
  assert.equal(
    jsonOf([Uint8Array.of(1), new Map([[1, 2n]]), new Set(["a"]), undefined]),
    '["AQ==",[[1,"2"]],["a"],null]',
  );
});

Deno.test("jsonOf() leaves nothing in a text that a terminal would obey, and the text the same", () => {
  const text = "a\u001b[31m\u009b31m\u007f\u202eb\u2028\u{e0001}ä✓";
  const json = jsonOf({ text });
  assert.doesNotMatch(json, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  assert.deepEqual(JSON.parse(json), { text });
  assert.match(json, /ä✓/);
});
