import assert from "node:assert/strict";
import fc from "../../tests/support/fast_check.ts";
import { escapePeerText, PEER_TEXT_LIMIT } from "./mod.ts";

Deno.test("escapePeerText() leaves harmless text as it is", () => {
  for (const text of ["", "spiffe://example.org/ns/a", "größe 文 🧵", "a\\b"]) {
    assert.equal(escapePeerText(text), text);
  }
});

Deno.test("escapePeerText() escapes what could leave its line or reorder it", () => {
  const shown: [string, string][] = [
    ["a\r\nb\tc", "a\\r\\nb\\tc"],
    ["\u001b[31m", "\\u001b[31m"],
    ["\u0000\u007f\u0085", "\\u0000\\u007f\\u0085"],
    ["\u2028\u2029", "\\u2028\\u2029"],
    ["\u202egro.elpmaxe", "\\u202egro.elpmaxe"],
    ["\u200b\ufeff", "\\u200b\\ufeff"],
    ["\u{e0041}", "\\u{e0041}"],
    ["\ud800", "\ufffd"],
  ];
  for (const [text, expected] of shown) assert.equal(escapePeerText(text), expected);
});

Deno.test("escapePeerText() cuts long text and says so", () => {
  const cut = escapePeerText("x".repeat(1_000_000));
  assert.equal(cut, "x".repeat(PEER_TEXT_LIMIT - 1) + "…");
  assert.equal(escapePeerText("x".repeat(PEER_TEXT_LIMIT)), "x".repeat(PEER_TEXT_LIMIT));
  assert.equal(escapePeerText("abcdef", 4), "abc…");
});

Deno.test("escapePeerText() cuts through no escape and no surrogate pair", () => {
  assert.equal(escapePeerText("ab\u001bcd", 6), "ab…");
  assert.equal(escapePeerText("ab\u001bcd", 9), "ab\\u001b…");
  assert.equal(escapePeerText("abc🧵def", 5), "abc…");
});

Deno.test("escapePeerText() never exceeds its limit and never shows a control character", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", maxLength: 300 }),
      fc.integer({ min: 1, max: 300 }),
      (text, limit) => {
        const shown = escapePeerText(text, limit);
        assert.ok(shown.length <= limit);
        assert.ok(shown.isWellFormed());
        assert.doesNotMatch(shown, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      },
    ),
  );
});
