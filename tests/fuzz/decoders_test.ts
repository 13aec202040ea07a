import assert from "node:assert/strict";
import { fuzzDecoders } from "./decoders.ts";

Deno.test("whatever bytes a decoder is given, it reads them or says no in its own way", async () => {
  assert.ok(await fuzzDecoders({ runs: 20_000 }) > 8 * 20_000);
});
