import assert from "node:assert/strict";
import { parseSpiffeId } from "./spiffe_id.ts";

Deno.test("parseSpiffeId() distinguishes the trust domain from the path", () => {
  assert.deepEqual(parseSpiffeId("spiffe://prod.example_1.org/ns/a/sa/b-2"), {
    text: "spiffe://prod.example_1.org/ns/a/sa/b-2",
    trustDomain: "prod.example_1.org",
    segments: ["ns", "a", "sa", "b-2"],
  });
  assert.deepEqual(parseSpiffeId("spiffe://td")?.segments, []);
});

for (
  const text of [
    "",
    "spiffe://",
    "spiffe:///a",
    "SPIFFE://td/a",
    "spiffe://TD/a",
    "spiffe://td/",
    "spiffe://td//a",
    "spiffe://td/a/",
    "spiffe://td/.",
    "spiffe://td/../a",
    "spiffe://td:443/a",
    "spiffe://user@td/a",
    "spiffe://td/a?b",
    "spiffe://td/a#b",
    "spiffe://td/%61",
    "spiffe://td/ä",
    "spiffe://td/a b",
    "spiffe://td/a,b",
    "spiffe://td/a\t",
    "https://td/a",
    `spiffe://${"a".repeat(256)}/a`,
    `spiffe://td/${"a".repeat(2048)}`,
  ]
) {
  Deno.test(`parseSpiffeId() refuses ${JSON.stringify(text.slice(0, 60))}`, () => {
    assert.equal(parseSpiffeId(text), undefined);
  });
}

Deno.test("parseSpiffeId() takes an ID of 2048 bytes", () => {
  const text = "spiffe://td/" + "a".repeat(2048 - 12);
  assert.equal(parseSpiffeId(text)?.text.length, 2048);
});
