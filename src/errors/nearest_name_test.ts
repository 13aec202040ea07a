import assert from "node:assert/strict";
import { nearestName } from "./nearest_name.ts";

Deno.test("nearestName() sees through a letter too many, too few, swapped or in the wrong case", () => {
  const names = ["math.add", "math.primes", "text.hash"];
  for (const typo of ["math.ad", "math.addd", "mahth.add", "maht.add", "Math.Add", "math-add"]) {
    assert.equal(nearestName(typo, names), "math.add", typo);
  }
  assert.equal(nearestName("wholly.other.thing", names), undefined);
  assert.equal(nearestName("", names), undefined);
});

Deno.test("nearestName() spends little on a name that a peer made to be costly", () => {
  const names = Array.from({ length: 100_000 }, (_, i) => `${"a".repeat(100)}${i}`);
  let looked = 0;
  function* counting() {
    for (const name of names) {
      looked++;
      yield name;
    }
  }
  nearestName("b".repeat(104), counting());
  assert(looked < 1_000);
  assert.equal(nearestName("a".repeat(100_000), counting()), undefined);
});
