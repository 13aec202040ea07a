import assert from "node:assert/strict";
import { Code } from "@connectrpc/connect";
import { ExitCode } from "../src/cli/exit_code.ts";
import { defaultDispatcherLimits } from "../src/dispatch/mod.ts";
import type { AuthenticationReason, PeerReason } from "../src/errors/mod.ts";
import { WorkerService } from "../src/gen/mod.ts";
import { CODES } from "../src/routine/failure/connect_error.ts";
import { defaultWorkerLimits } from "../src/worker/mod.ts";
import { inProcess } from "./cli/in_process.ts";

const TEXT = await Deno.readTextFile(new URL("../docs/reference.md", import.meta.url));

/** Commands that only hold others. */
const GROUPS = ["certs", "policy", "config"];

Deno.test("docs/reference.md lists every entry point, and deno task doc writes all with symbols", async () => {
  const { exports, tasks } = JSON.parse(
    await Deno.readTextFile(new URL("../deno.json", import.meta.url)),
  );
  const listed = rowsOf("## API").map(([name]) => name);
  assert.deepEqual(listed, Object.keys(exports));
  const written = tasks.doc.command.split(" ").filter((word: string) => word.endsWith(".ts"));
  const { "./cli": _, ...withSymbols } = exports;
  assert.deepEqual(
    written.map((path: string) => `./${path}`),
    Object.values(withSymbols),
  );
});

Deno.test("docs/reference.md lists every exit code", () => {
  const listed = rowsOf("### Exit codes").map(([code, name]) => [name, Number(code)]);
  assert.deepEqual(Object.fromEntries(listed), { ...ExitCode });
});

Deno.test("docs/reference.md lists every command", async () => {
  const listed = rowsOf("## Command line").filter((row) => row.length === 2).map(([name]) => name);
  const nested = async (group: string) =>
    (await commandsOf([group])).map((name) => `${group} ${name}`);
  const top = (await commandsOf([])).filter((name) => !GROUPS.includes(name));
  const all = [...top, ...(await Promise.all(GROUPS.map(nested))).flat()];
  assert.deepEqual(listed.sort(), all.sort());
});

Deno.test("docs/reference.md lists every error with its code on the wire", () => {
  const listed = rowsOf("## Errors").filter((row) => row.length === 4);
  assert.deepEqual(
    Object.fromEntries(listed.map(([name, , code]) => [name, code])),
    Object.fromEntries(Object.entries(CODES).map(([name, code]) => [name, snakeCase(Code[code]!)])),
  );
});

Deno.test("docs/reference.md lists every reason for which a caller is not authenticated", () => {
  // The compiler holds this list to the type.
  const reasons: Record<AuthenticationReason, true> = {
    "token-missing": true,
    "token-malformed": true,
    "token-invalid": true,
    "token-expired": true,
    "token-not-yet-valid": true,
    "token-wrong-audience": true,
    "token-wrong-issuer": true,
    "token-unknown-key": true,
    "token-bad-signature": true,
    "token-replayed": true,
    "token-not-bound": true,
    "token-over-plaintext": true,
    "key-set-unreachable": true,
    "peer-unauthenticated": true,
  };
  const listed = rowsOf("## Errors").filter((row) => row.length === 2).map(([reason]) => reason);
  assert.deepEqual(listed.sort(), Object.keys(reasons).sort());
});

Deno.test("docs/reference.md lists every word of a refusal", () => {
  const words: Record<PeerReason, true> = {
    "untrusted-authority": true,
    "identity-mismatch": true,
    "certificate-expired": true,
    "certificate-not-yet-valid": true,
    "certificate-unsuitable": true,
    "certificate-denied": true,
    "client-certificate-required": true,
    "subject-not-allowed": true,
  };
  const paragraph = /`HandshakeError\.peerReason` is [^.]*/.exec(TEXT)![0];
  const listed = [...paragraph.matchAll(/`([a-z-]+)`/g)].map(([, word]) => word!);
  assert.deepEqual(listed.sort(), Object.keys(words).sort());
});

Deno.test("docs/reference.md lists every method of the worker's service", () => {
  const listed = rowsOf("## Wire").map(([method]) => method);
  const methods = WorkerService.methods.map(({ name }) => `${WorkerService.typeName}/${name}`);
  assert.deepEqual(listed.sort(), methods.sort());
});

Deno.test("docs/reference.md shows the defaults that are in force", () => {
  const rows = rowsOf("## Defaults");
  assert.ok(rows.length > 5);
  const ends = [defaultWorkerLimits, defaultDispatcherLimits] as const;
  for (const [name = "", ...shown] of rows) {
    const inForce = ends.map((limits) => String((limits as never)[name] ?? ""));
    assert.deepEqual(shown, inForce, name);
  }
});

/** The rows of the tables between a heading and the next one of its level, without their heads and backticks. */
function rowsOf(heading: string): string[][] {
  const start = TEXT.indexOf(`\n${heading}\n`) + heading.length + 1;
  const level = heading.startsWith("###") ? /\n##+ / : /\n## /;
  const rows = TEXT.slice(start).split(level)[0]!.matchAll(/^\| (`|\d).*\|$/gm);
  return [...rows].map(([row]) =>
    row.slice(1, -1).split("|").map((cell) => cell.trim().replaceAll(/^`|`$/g, ""))
  );
}

/** The commands that help lists. */
async function commandsOf(group: readonly string[]): Promise<string[]> {
  const { out } = await inProcess([...group, "--help"]);
  const list = out.slice(out.indexOf("Commands:"));
  const names = [...list.matchAll(/^ {2}([a-z]+)/gm)].map(([, name]) => name!);
  return names.filter((name) => name !== "help");
}

function snakeCase(name: string): string {
  return name.replaceAll(/(?<!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
}
