import assert from "node:assert/strict";
import { rendezvousScore } from "./rendezvous.ts";

const members = ["10.0.0.1:8443", "10.0.0.2:8443", "10.0.0.3:8443", "10.0.0.4:8443"];

function owner(key: string, among: readonly string[]): string {
  return among.reduce((best, member) =>
    rendezvousScore(key, member) > rendezvousScore(key, best) ? member : best
  );
}

Deno.test("rendezvousScore() spreads keys evenly over members", () => {
  const counts = new Map<string, number>();
  for (let key = 0; key < 4_000; key++) {
    const chosen = owner(`tenant-${key}`, members);
    counts.set(chosen, (counts.get(chosen) ?? 0) + 1);
  }
  for (const member of members) {
    const count = counts.get(member) ?? 0;
    assert.ok(count > 850 && count < 1_150, `${member} got ${count} of 4000`);
  }
});

Deno.test("rendezvousScore() moves only the keys of a member that left", () => {
  const [gone, ...rest] = members;
  for (let key = 0; key < 500; key++) {
    const before = owner(`tenant-${key}`, members);
    if (before !== gone) assert.equal(owner(`tenant-${key}`, rest), before);
  }
});
