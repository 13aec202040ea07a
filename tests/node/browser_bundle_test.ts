import assert from "node:assert/strict";
import { fileURLToPath, pathToFileURL } from "node:url";

/** What a page may pay for declaring the routines that it calls. */
const LIMIT_BYTES = 3_000;

Deno.test("./routine alone bundles for browsers under 3 kB, and needs no platform", async () => {
  const { exports } = JSON.parse(
    await Deno.readTextFile(new URL("../../deno.json", import.meta.url)),
  );
  const entry = fileURLToPath(new URL(`../../${exports["./routine"]}`, import.meta.url));
  const folder = await Deno.makeTempDir();
  try {
    const bundle = `${folder}/routine.js`;
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["bundle", "--minify", "--platform", "browser", "-o", bundle, entry],
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    const text = await Deno.readTextFile(bundle);
    assert.ok(text.length < LIMIT_BYTES, `${text.length} bytes`);
    assert.doesNotMatch(text, /\bDeno\b|\bnode:|\bprocess\b|\brequire\b|\bimport\b/);
    const { isRoutine, routine } = await import(pathToFileURL(bundle).href);
    assert.ok(isRoutine(routine("math.add")));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
