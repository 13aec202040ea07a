import assert from "node:assert/strict";
import { ConfigurationError } from "../errors/mod.ts";
import { Denylist } from "./denylist.ts";

Deno.test("Denylist.parse() counts what it read", () => {
  const text = JSON.stringify({
    spiffeIds: ["spiffe://td/a"],
    serials: ["00:AB:cd", "0"],
    spkiSha256: ["ab".repeat(32)],
  });
  assert.equal(Denylist.parse(text).size, 4);
  assert.equal(Denylist.parse("{}").size, 0);
});

Deno.test("Denylist.parse() counts no string of a list as a list", () => {
  const odd = '{"spiffeIds":["spiffe://td/a"] , "serials" : ["00"]}';
  assert.equal(Denylist.parse(odd).size, 2);
});

for (
  const text of [
    "",
    "[]",
    "null",
    '"spiffe://td/a"',
    '{"spiffeIds":"spiffe://td/a"}',
    '{"spiffeIds":[1]}',
    '{"spiffeIds":["td/a"]}',
    '{"serials":["xyz"]}',
    '{"serials":[""]}',
    '{"spkiSha256":["abcd"]}',
    '{"serial":["01"]}',
    '{"serials":["01"],"serials":[]}',
    '{"serials":["01"],"\\u0073erials":[]}',
  ]
) {
  Deno.test(`Denylist.parse() refuses ${text || "nothing"}, rather than deny nobody`, () => {
    assert.throws(() => Denylist.parse(text), ConfigurationError);
  });
}
