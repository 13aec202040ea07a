import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type LimboCase, runCase, standing } from "../scripts/limbo.ts";
import { STRICTER } from "../scripts/limbo_stricter.ts";

const file = fileURLToPath(
  new URL("../../shared/vectors/x509-limbo/limbo.json", import.meta.url),
);
const ignore = !existsSync(file);

function casesOf(): readonly LimboCase[] {
  return (JSON.parse(Deno.readTextFileSync(file)) as { testcases: LimboCase[] }).testcases;
}

Deno.test({
  name: "the trust verdict accepts no case of x509-limbo that must fail",
  ignore,
  fn() {
    const outcomes = casesOf().map(runCase);
    assert(outcomes.length > 100);
    assert(outcomes.some(({ actual }) => actual === "SUCCESS"));
    const wrong = outcomes.filter((outcome) => standing(outcome) === "wrong success");
    assert.deepEqual(wrong, []);
  },
});

Deno.test({
  name: "the trust verdict refuses no other case of x509-limbo than the table says, by its rule",
  ignore,
  fn() {
    const outcomes = casesOf().map(runCase);
    const unlisted = outcomes.filter((outcome) => standing(outcome) === "unlisted refusal");
    assert.deepEqual(unlisted, []);
    const stricter = outcomes.filter((outcome) => standing(outcome) === "stricter");
    assert.deepEqual(stricter.map(({ id }) => id).sort(), Object.keys(STRICTER).sort());
  },
});

Deno.test("docs/limbo.md shows every case of the table with its reason", () => {
  const text = Deno.readTextFileSync(new URL("../docs/limbo.md", import.meta.url))
    .replaceAll(/ +/g, " ");
  for (const [id, { rule, why }] of Object.entries(STRICTER)) {
    assert(text.includes(`| \`${id}\` | \`${rule}\` | ${why} |`), id);
  }
});
