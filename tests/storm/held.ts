import { processByteBudget } from "../../src/http2/mod.ts";
import { processBudget } from "../../src/rpc/wire/gather_budget.ts";

/** What a process holds that is to be returned. */
export interface Held {
  /** Open file descriptors; 0 where the system does not list them. */
  readonly descriptors: number;
  /** Those of them that are sockets. */
  readonly sockets: number;
  /** Bytes received and not read, or queued and not sent, over all connections. */
  readonly heldBytes: number;
  /** Bytes of messages that are being received, beyond the first 64 KiB of each. */
  readonly gatheredBytes: number;
}

/** How often what is held is looked at in the end, and how long to wait in between, in milliseconds. */
export const LOOKS = 1_000;
export const LOOK_MS = 20;

/** What this process holds now. */
export function heldHere(): Held {
  const open = Deno.build.os === "linux" ? openFiles() : [];
  return {
    descriptors: open.length,
    sockets: open.filter((target) => target.startsWith("socket:")).length,
    heldBytes: processByteBudget.heldBytes,
    gatheredBytes: processBudget.spentBytes,
  };
}

/** What a process holds more than before, in sentences. */
export function kept(who: string, before: Held, after: Held): readonly string[] {
  return (Object.keys(before) as (keyof Held)[])
    .filter((what) => after[what] > before[what])
    .map((what) => `${who} holds ${after[what]} ${what}, ${before[what]} before`);
}

function openFiles(): readonly string[] {
  return [...Deno.readDirSync("/proc/self/fd")].flatMap(({ name }) => {
    try {
      return Deno.readLinkSync(`/proc/self/fd/${name}`);
    } catch {
      // That of the listing itself, which is closed by now.
      return [];
    }
  });
}
