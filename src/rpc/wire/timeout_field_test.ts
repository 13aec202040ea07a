import assert from "node:assert/strict";
import fc from "../../../tests/support/fast_check.ts";
import { formatGrpcTimeout, parseConnectTimeout, parseGrpcTimeout } from "./timeout_field.ts";

Deno.test("parseConnectTimeout reads up to ten digits and nothing else", () => {
  assert.equal(parseConnectTimeout("0"), 0);
  assert.equal(parseConnectTimeout("9999999999"), 9_999_999_999);
  for (const text of ["", "12345678901", "-1", "1.5", " 1", "1 ", "0x1", "１"]) {
    assert.equal(parseConnectTimeout(text), undefined, text);
  }
});

Deno.test("parseGrpcTimeout reads every unit", () => {
  const times = {
    "1H": 3_600_000,
    "2M": 120_000,
    "3S": 3000,
    "4m": 4,
    "5u": 0.005,
    "6n": 0.000006,
  };
  for (const [text, timeoutMs] of Object.entries(times)) {
    assert.equal(parseGrpcTimeout(text), timeoutMs, text);
  }
});

Deno.test("parseGrpcTimeout refuses what is no timeout", () => {
  for (const text of ["", "m", "5", "123456789m", "-5m", "5x", "5 m", "1.5S", "5__proto__"]) {
    assert.equal(parseGrpcTimeout(text), undefined, text);
  }
});

Deno.test("formatGrpcTimeout writes what parseGrpcTimeout reads, never less, in eight digits", () => {
  fc.assert(fc.property(fc.nat(Number.MAX_SAFE_INTEGER), (timeoutMs) => {
    const text = formatGrpcTimeout(timeoutMs);
    assert(text.length <= 9, text);
    const read = parseGrpcTimeout(text) ?? 0;
    if (timeoutMs <= 99_999_999_000) assert(read >= timeoutMs && read - timeoutMs < 1000);
  }));
});
