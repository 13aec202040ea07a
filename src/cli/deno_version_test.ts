import assert from "node:assert/strict";
import { unsupportedDeno } from "./deno_version.ts";

Deno.test("unsupportedDeno() has nothing to say of the Deno that runs this", () => {
  assert.equal(unsupportedDeno(Deno.version.deno), undefined);
});

Deno.test("unsupportedDeno() reports in one sentence what an older, or a next major, Deno lacks", () => {
  for (const version of ["1.46.3", "2.8.9", "3.0.0"]) {
    const sentence = unsupportedDeno(version);
    assert.match(sentence ?? "", /needs Deno 2\.9.*this is Deno \d/);
    assert.equal(sentence?.includes("\n"), false);
    assert.ok(sentence?.includes(version));
  }
});
