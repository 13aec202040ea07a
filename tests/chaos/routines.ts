/**
 * Routines of workers in trouble: each run is written to a ledger that outlives the worker. The module is imported as
 * `routines.ts?worker=NAME&ledger=PATH`.
 */
import { routine } from "../../src/contract/mod.ts";

const { searchParams } = new URL(import.meta.url);
const worker = searchParams.get("worker") ?? "";
let ledger: Deno.FsFile | undefined;

/** Writes that a call of that name has begun: one write of one line, which other processes do not tear. */
function begin(name: string): string {
  ledger ??= Deno.openSync(searchParams.get("ledger") ?? "", { append: true });
  ledger.writeSync(new TextEncoder().encode(`${name}\n`));
  return worker;
}

export const once = routine("chaos.once", (name: string) => begin(name));
export const again = routine("chaos.again", { idempotent: true }, (name: string) => begin(name));
