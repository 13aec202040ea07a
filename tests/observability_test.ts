import assert from "node:assert/strict";
import { Metrics } from "../src/observe/mod.ts";
import { walk } from "./support/walk.ts";

const SOURCE = new URL("../src/", import.meta.url);
const METRICS = "observe/metrics.ts";

/** The text of every file of the package, without its comments, by path. */
async function sources(): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  for await (const path of walk(SOURCE)) {
    if (!path.endsWith(".ts") || /_(?:test|bench)\.ts$/.test(path)) continue;
    const text = await Deno.readTextFile(new URL(path, SOURCE));
    texts.set(path, text.replace(/^\s*(?:\/\*)?\*.*$|\/\/.*$/gm, ""));
  }
  return texts;
}

Deno.test("every event that is declared is emitted", async () => {
  const declared: string[] = [];
  let code = "";
  for (const [path, text] of await sources()) {
    if (!path.endsWith("_events.ts")) code += text;
    else declared.push(...[...text.matchAll(/EventBase<"([\w.-]+)">/g)].map(([, type]) => type!));
  }
  assert.ok(declared.length > 20);
  const silent = declared.filter((type) => !code.includes(`type: "${type}"`));
  assert.deepEqual(silent, []);
});

Deno.test("every method of Metrics is called, and every instrument is moved by one", async () => {
  const texts = await sources();
  const others = [...texts].filter(([path]) => path !== METRICS).map(([, text]) => text).join("\n");
  const methods = Object.getOwnPropertyNames(Metrics.prototype)
    .filter((name) => name !== "constructor");
  assert.deepEqual(methods.filter((name) => !others.includes(`.${name}(`)), []);

  const made = texts.get(METRICS)!.matchAll(/(\w+): meter\.create/g);
  const instruments = [...made].map(([, name]) => name!);
  assert.ok(instruments.length > 5);
  const moving = /export class Metrics \{[\s\S]*?\n\}\n/.exec(texts.get(METRICS)!)?.[0] ?? "";
  assert.deepEqual(instruments.filter((name) => !new RegExp(`\\b${name}\\b`).test(moving)), []);
});
