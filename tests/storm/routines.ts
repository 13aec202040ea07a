/** Routines of the storm's workers: each run is written to a ledger that outlives the worker. */
import { routine } from "../../src/contract/mod.ts";
import { currentCall } from "../../src/routine/mod.ts";
import { type Held, heldHere } from "./held.ts";

const LEDGER = "STORM_LEDGER";
let ledger: Deno.FsFile | undefined;

/** Writes that a call of that name has begun: one write of one line, which other processes do not tear. */
function begin(name: string): void {
  ledger ??= Deno.openSync(Deno.env.get(LEDGER) ?? "", { append: true });
  ledger.writeSync(new TextEncoder().encode(`${name}\n`));
}

export const run = routine("storm.run", (name: string) => {
  begin(name);
  return name;
});

/** Takes a payload whose bytes are counted while it is received. */
export const measure = routine("storm.measure", (name: string, bytes: Uint8Array) => {
  begin(name);
  return bytes.length;
});

/** Takes that long, or until its caller cancels it. */
export const linger = routine("storm.linger", async (name: string, ms: number) => {
  begin(name);
  const { signal } = currentCall();
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
  return name;
});

export const items = routine("storm.items", async function* (name: string, limit: number) {
  begin(name);
  for (let n = 1; n <= limit; n++) {
    yield n;
    await Promise.resolve();
  }
});

/** What the worker's process holds. */
export const held = routine("storm.held", (): Held => {
  ledger ??= Deno.openSync(Deno.env.get(LEDGER) ?? "", { append: true });
  return heldHere();
});
