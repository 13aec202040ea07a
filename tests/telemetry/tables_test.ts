/** The tables of docs/telemetry.md against the code; no instrument that nothing moves. */
import assert from "node:assert/strict";
import { walk } from "../support/walk.ts";

const SRC = new URL("../../src/", import.meta.url);

/** The text of every source file, by its path, without tests. */
async function sources(): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for await (const path of walk(SRC)) {
    if (!path.endsWith(".ts") || path.endsWith("_test.ts")) continue;
    texts.set(path, await Deno.readTextFile(new URL(path, SRC)));
  }
  return texts;
}

Deno.test("every instrument is moved by something", async () => {
  const texts = await sources();
  const metrics = texts.get("observe/metrics.ts") ?? "";
  const start = metrics.indexOf("export class Metrics");
  const body = metrics.slice(start, metrics.indexOf("\n}\n", start));
  const methods = [...body.matchAll(/^ {2}(?!constructor)(\w+)\(/gm)].map(([, name]) => name!);
  assert.ok(methods.length >= 12, `${methods.length} methods were found`);
  const called = (name: string) =>
    texts.entries().some(([path, text]) =>
      path !== "observe/metrics.ts" && new RegExp(`\\bmetrics\\??\\.${name}\\(`).test(text)
    );
  assert.deepEqual(methods.filter((name) => !called(name)), []);
  const instruments = [...metrics.matchAll(/^ {4}(\w+): meter\.create/gm)].map(([, name]) => name!);
  const used = (name: string) =>
    new RegExp(`instruments\\.${name}\\b|[{,] ${name}\\b[^}]*\\} = this\\.#instruments`).test(body);
  assert.ok(instruments.length >= 15, `${instruments.length} instruments were found`);
  assert.deepEqual(instruments.filter((name) => !used(name)), []);
});

/** The names in the first column of the table under a heading of the documentation. */
async function documented(heading: string): Promise<string[]> {
  const page = await Deno.readTextFile(new URL("../../docs/telemetry.md", import.meta.url));
  const section = page.slice(page.indexOf(`\n## ${heading}\n`)).split(/\n## /)[1] ?? "";
  return [...section.matchAll(/^\| `([a-z._-]+)` +\|/gm)].map(([, name]) => name!);
}

Deno.test("every event in the documentation is emitted by something", async () => {
  const texts = await sources();
  const emitted = (type: string) =>
    texts.values().some((text) => new RegExp(`\\btype: "${type}",`).test(text));
  const names = await documented("Events");
  assert.ok(names.length > 20, `${names}`);
  assert.deepEqual(names.filter((type) => !emitted(type)), []);
});

Deno.test("the documentation names every instrument, and no other", async () => {
  const metrics = (await sources()).get("observe/metrics.ts") ?? "";
  const made = [...metrics.matchAll(/meter\.create\w+\("([a-z._]+)"/g)].map(([, name]) => name!);
  assert.deepEqual((await documented("Metrics")).sort(), made.sort());
});
