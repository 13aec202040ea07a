import assert from "node:assert/strict";
import { ConfigurationError } from "../errors/mod.ts";
import { discoveryFromUrl } from "./from_url.ts";

async function found(url: string) {
  const workers = [];
  for await (const batch of discoveryFromUrl(url).watch(new AbortController().signal)) {
    for (const change of batch) workers.push(change.kind === "added" ? change.worker : change);
  }
  return workers;
}

Deno.test("static discovery lists each address once, with its host as the expected identity", async () => {
  assert.deepEqual(await found("static:worker.internal:8443,[::1]:1,worker.internal:8443"), [
    { address: "worker.internal:8443", expected: "worker.internal" },
    { address: "[::1]:1", expected: "::1" },
  ]);
});

Deno.test("static discovery names workers only where every address has a host", () => {
  assert.equal(discoveryFromUrl("static:10.0.0.1:8443").namesWorkers, true);
  assert.equal(discoveryFromUrl("static:10.0.0.1:8443,unix:/run/worker").namesWorkers, false);
});

Deno.test("discoveryFromUrl() says what is wrong with a URL that names no discovery", () => {
  for (
    const url of [
      "",
      "static:",
      "static:nowhere",
      "10.0.0.1:8443",
      "gopher:x",
      "static:a:1,b",
      "dns:a:1?x=y",
      "dns:a",
    ]
  ) {
    assert.throws(() => discoveryFromUrl(url), (error) => {
      assert.ok(error instanceof ConfigurationError);
      assert.equal(error.setting, "discovery");
      return true;
    }, url);
  }
});
