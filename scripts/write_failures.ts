/**
 * Keeps the examples of `docs/failures.md` true: provokes every failure and writes what both ends
 * really say of it between the markers of the page.
 *
 * `deno run -A scripts/write_failures.ts` writes the page, with `--check` it only compares, and ends
 * with 1 where something differs. What differs from run to run is written as if it did not: dates,
 * ports, serial numbers, fingerprints and seconds.
 *
 * @module
 */
import type { HandshakeEvidence } from "../src/errors/mod.ts";
import { FAILURES, type Provoked, REFUSALS } from "./provoke_failures.ts";

const PAGE = new URL("../docs/failures.md", import.meta.url);
const EXAMPLE = /<!-- example: ([a-z-]+) -->\n[^]*?<!-- end -->/g;

/** Writes the page anew from its own text: every example is provoked again. */
export async function writeExamples(page: string): Promise<string> {
  const examples = await provokeAll();
  const missing = [...examples.keys()].filter((name) =>
    !page.includes(`<!-- example: ${name} -->`)
  );
  if (missing.length > 0) throw new Error(`no section holds an example of ${missing.join(", ")}`);
  return page.replaceAll(EXAMPLE, (_, name: string) => {
    const example = examples.get(name);
    if (example === undefined) throw new Error(`nothing is known of an example named ${name}`);
    return `<!-- example: ${name} -->\n\n\`\`\`text\n${example}\n\`\`\`\n\n<!-- end -->`;
  });
}

async function provokeAll(): Promise<ReadonlyMap<string, string>> {
  const examples = new Map<string, string>();
  for (const [reason, provoke] of Object.entries(FAILURES)) {
    const provoked = await provoke();
    examples.set(reason, steady(bothEnds(provoked)));
    if (reason === "untrusted-authority") {
      examples.set("evidence", steady(JSON.stringify(provoked.error.evidence, null, 2)));
    }
  }
  for (const [word, provoke] of Object.entries(REFUSALS)) {
    examples.set(`refused-${word}`, steady(bothEnds(await provoke())));
  }
  return examples;
}

/** What both ends say, in their own words. */
function bothEnds({ error, refused }: Provoked): string {
  const caller = [
    `caller  ${error.name} ${words(error)}`,
    `        ${error.message}`,
  ];
  if (refused === undefined) return caller.join("\n");
  return [
    ...caller,
    `worker  ${refused.type} ${words(refused)}`,
    ...sentences(refused.evidence).map((line) => `        ${line}`),
  ].join("\n");
}

function words(
  { reason, peerReason, side }: {
    readonly reason: string;
    readonly peerReason?: string;
    readonly side: string;
  },
): string {
  const peer = peerReason === undefined ? "" : ` peerReason=${peerReason}`;
  return `reason=${reason}${peer} side=${side}`;
}

function sentences({ found, advice, expected, presented }: HandshakeEvidence): readonly string[] {
  return [
    [found, advice].filter((part) => part !== undefined).join("; "),
    ...(expected === undefined ? [] : [`expected ${expected.join(", ")}`]),
    ...(presented === undefined ? [] : [`presented ${presented.join(", ") || "nothing"}`]),
  ].filter((line) => line !== "");
}

/** The same text from every run. */
function steady(text: string): string {
  return text
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, "2030-01-01T00:00:00.000Z")
    .replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:8443")
    .replaceAll(/"[0-9a-f]{64}"/g, '"5f0c…"')
    .replaceAll(/"[0-9a-f]{32}"/g, '"41d2…"')
    .replaceAll(/\b(\d+m )?\d+s (?=ago|in the future)/g, "1m 30s ");
}

if (import.meta.main) {
  const page = await Deno.readTextFile(PAGE);
  const current = await writeExamples(page);
  const same = current === page;
  if (Deno.args.includes("--check")) {
    console.error(same ? "docs/failures.md is current" : "docs/failures.md is not current");
    Deno.exit(same ? 0 : 1);
  }
  if (!same) await Deno.writeTextFile(PAGE, current);
}
