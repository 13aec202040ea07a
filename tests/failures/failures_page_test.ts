import assert from "node:assert/strict";
import { FAILURES, REFUSALS } from "../../scripts/provoke_failures.ts";
import { writeExamples } from "../../scripts/write_failures.ts";

const page = await Deno.readTextFile(new URL("../../docs/failures.md", import.meta.url));

Deno.test("the examples in docs/failures.md are what both ends say today", async () => {
  assert.equal(
    await writeExamples(page),
    page,
    "docs/failures.md is out of date: deno run -A scripts/write_failures.ts",
  );
});

Deno.test("docs/failures.md has a section for every reason: what you see, why, and the fix", () => {
  const sections = new Map(
    page.split(/^## /m).slice(1).map((section) => {
      const [title = "", ...lines] = section.split("\n");
      return [title, lines.join("\n")] as const;
    }),
  );
  for (const reason of Object.keys(FAILURES)) {
    const section = sections.get(reason) ?? assert.fail(`no section for ${reason}`);
    for (const part of ["What you see", "Why", "Fix"]) {
      assert.ok(section.includes(`**${part}.**`), `${reason} does not say: ${part}`);
    }
    assert.ok(section.includes(`<!-- example: ${reason} -->`), `${reason} has no example`);
    assert.ok(page.includes(`](#${reason})`), `the table does not name ${reason}`);
  }
  const refusals = sections.get("client-certificate-refused") ?? "";
  for (const word of ["subject-not-allowed", ...Object.keys(REFUSALS)]) {
    assert.ok(refusals.includes(`peerReason=${word} `), `no example of peerReason ${word}`);
  }
});
