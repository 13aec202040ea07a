import assert from "node:assert/strict";
import { defaultDispatcherLimits } from "../src/dispatch/mod.ts";
import { defaultHttp2Limits } from "../src/http2/mod.ts";
import { DEFAULT_VERDICT_LIMITS } from "../src/identity/mod.ts";
import { defaultWorkerLimits } from "../src/worker/mod.ts";

const SECURITY = new URL("../SECURITY.md", import.meta.url);

Deno.test("SECURITY.md lists every limit of a worker with its default", async () => {
  const { verdict: _, http2: __, ...limits } = defaultWorkerLimits;
  assert.deepEqual(await tableUnder("### Worker"), limits);
});

Deno.test("SECURITY.md lists every limit of a dispatcher with its default", async () => {
  const { verdict: _, http2: __, ...limits } = defaultDispatcherLimits;
  assert.deepEqual(await tableUnder("### Dispatcher"), limits);
});

Deno.test("SECURITY.md lists every HTTP/2 limit with its default", async () => {
  assert.deepEqual(await tableUnder("### HTTP/2"), { ...defaultHttp2Limits });
});

Deno.test("SECURITY.md lists every limit of a verdict with its default", async () => {
  assert.deepEqual(await tableUnder("### Verdict"), { ...DEFAULT_VERDICT_LIMITS });
});

/** The first two columns of the table under a heading. */
async function tableUnder(heading: string): Promise<Record<string, number>> {
  const text = await Deno.readTextFile(SECURITY);
  const section = text.slice(text.indexOf(heading)).split(/\n#+ /)[0]!;
  const rows = section.matchAll(/^\| `(\w+)` +\| (\d+) +\|/gm);
  return Object.fromEntries([...rows].map(([, name, value]) => [name!, Number(value)]));
}
