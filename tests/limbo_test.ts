import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type LimboCase, type LimboStanding, runCase, standing } from "../scripts/limbo.ts";
import { ADVISED, STRICTER, STRICTER_WHERE_STRICT } from "../scripts/limbo_stricter.ts";
import type { VerdictMode } from "../src/identity/mod.ts";

const file = fileURLToPath(
  new URL("../../shared/vectors/x509-limbo/limbo.json", import.meta.url),
);
const ignore = !existsSync(file);

function casesOf(): readonly LimboCase[] {
  return (JSON.parse(Deno.readTextFileSync(file)) as { testcases: LimboCase[] }).testcases;
}

for (const mode of ["private", "strict"] as const) {
  Deno.test({
    name:
      `a ${mode} verdict differs from x509-limbo in the cases of the tables alone, by their rules`,
    ignore,
    fn() {
      const found = idsByStanding(mode);
      assert((found.get("agrees")?.length ?? 0) > 100);
      assert.deepEqual(found.get("wrong success") ?? [], []);
      assert.deepEqual(found.get("unlisted refusal") ?? [], []);
      const strict = mode === "strict" ? STRICTER_WHERE_STRICT : {};
      assert.deepEqual(found.get("stricter"), Object.keys({ ...STRICTER, ...strict }).sort());
      const advised = mode === "strict" ? [] : Object.keys(ADVISED).sort();
      assert.deepEqual(found.get("advised") ?? [], advised);
    },
  });
}

function idsByStanding(mode: VerdictMode): ReadonlyMap<LimboStanding, readonly string[]> {
  const outcomes = casesOf().map((limbo) => runCase(limbo, mode));
  const groups = Map.groupBy(outcomes, (outcome) => standing(outcome, mode));
  return new Map([...groups].map(([key, list]) => [key, list.map(({ id }) => id).sort()]));
}

Deno.test("docs/limbo.md shows every case of the tables with its reason", () => {
  const text = Deno.readTextFileSync(new URL("../docs/limbo.md", import.meta.url))
    .replaceAll(/ +/g, " ");
  for (const [id, { rule, why }] of Object.entries({ ...STRICTER, ...ADVISED })) {
    assert(text.includes(`| \`${id}\` | \`${rule}\` | ${why} |`), id);
  }
  for (const [id, { rule, why }] of Object.entries(STRICTER_WHERE_STRICT)) {
    assert(text.includes(`| \`${id}\` | \`${rule}\` | ${why} |`), id);
  }
});
