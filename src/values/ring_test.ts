import assert from "node:assert/strict";
import fc from "fast-check";
import { type Member, Ring } from "./ring.ts";

Deno.test("a ring holds what a set would, in the same order", () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("add" as const) }),
    fc.record({ kind: fc.constant("remove" as const), at: fc.nat() }),
  );
  fc.assert(fc.property(fc.array(step), (steps) => {
    const ring = new Ring<number>();
    const set = new Set<number>();
    const members: Member<number>[] = [];
    for (const step of steps) {
      if (step.kind === "add") {
        set.add(members.length);
        members.push(ring.add(members.length));
      } else if (members.length > 0) {
        // Also what has left already.
        const member = members[step.at % members.length]!;
        set.delete(member.value);
        member.leave();
      }
      assert.deepEqual([...ring], [...set]);
      assert.equal(ring.size, set.size);
      assert.equal(ring.first, [...set][0]);
      assert.deepEqual(ring.oldest(2), [...set].slice(0, 2));
    }
  }));
});

Deno.test("what is taken out while a ring is gone through is gone through all the same", () => {
  const ring = new Ring<string>();
  const members = ["a", "b", "c"].map((value) => ring.add(value));
  const seen: string[] = [];
  for (const value of ring) {
    seen.push(value);
    for (const member of members) member.leave();
  }
  assert.deepEqual(seen, ["a", "b", "c"]);
  assert.equal(ring.size, 0);
});

Deno.test("a value that was taken out of one ring does not leave another", () => {
  const [one, other] = [new Ring<string>(), new Ring<string>()];
  const member = one.add("a");
  other.remove(member);
  assert.deepEqual([one.size, other.size], [1, 0]);
});
