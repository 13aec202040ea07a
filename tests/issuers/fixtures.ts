import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { derOf } from "./facts.ts";
import { modules } from "./installed.ts";
import type { Issued } from "./issuer.ts";
import { spire } from "./spire.ts";

/** What an issuer made once: certificates alone, since nobody needs a key to judge them. */
export interface Fixture {
  /** The file of anchors, in its order. */
  readonly ca: readonly Uint8Array[];
  /** The worker's chain, leaf first. */
  readonly worker: readonly Uint8Array[];
  /** The caller's chain; the worker's where one is used for both. */
  readonly caller: readonly Uint8Array[];
}

/** The rows whose issuers are built with Go, which not every machine has. */
export const fixtureRows: readonly string[] = [...modules, ...spire].map(({ name }) => name);

const FOLDER = fileURLToPath(new URL("./fixtures", import.meta.url));
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PARTS = ["ca", "worker", "caller"] as const;

/** Writes what an issuer made, with the commands that made it. */
export async function writeFixture(
  row: string,
  { ca, worker, caller = worker }: Issued,
  commands: readonly string[],
): Promise<void> {
  const lines = [row, "", ...commands.map((line) => `$ ${line.replaceAll(ROOT, "")}`)];
  const texts = { ca, worker: worker.cert, caller: caller.cert };
  for (const part of PARTS) {
    lines.push("", `== ${part}`, "", ...derOf(texts[part]).map(pemOf));
  }
  await Deno.mkdir(FOLDER, { recursive: true });
  await Deno.writeTextFile(pathOf(row), `${lines.join("\n")}\n`);
}

/** Reads it again. */
export async function readFixture(row: string): Promise<Fixture> {
  const [, ...parts] = (await Deno.readTextFile(pathOf(row))).split(/^== .*$/m);
  const [ca = [], worker = [], caller = []] = parts.map(derOf);
  return { ca, worker, caller };
}

function pathOf(row: string): string {
  return join(FOLDER, `${row.toLowerCase().replace(/[^a-z0-9.]+/g, "-").replace(/-$/, "")}.pem`);
}

function pemOf(der: Uint8Array): string {
  const base64 = der.toBase64().replace(/.{64}(?=.)/g, "$&\n");
  return `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----`;
}
