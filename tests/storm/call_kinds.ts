import assert from "node:assert/strict";
import type { Caller } from "../../src/contract/mod.ts";
import * as routines from "./routines.ts";

/** How a call ended. */
export type Ending =
  | { readonly how: "answered" }
  /** By its caller's own signal. */
  | { readonly how: "cancelled" }
  | {
    readonly how: "failed";
    readonly error: string;
    /** Where its worker was lost: that worker's address. */
    readonly lost?: string;
    /** Whether every worker that was asked refused the caller as denied. */
    readonly denied: boolean;
  };

/** What a call is made with: no deadline, since a busy machine is no fault. */
const NO_LIMIT = { timeoutMs: 0 } as const;
const PAYLOAD_BYTES = 200 * 1024;
const ITEMS = 40;
const LINGER_MS = 40;
const CANCELLED_AFTER_MS = 5;

/** The kinds of calls, each with the check of its answer. */
export const callKinds = [
  async (caller, name) => assert.equal(await caller.call(routines.run, [name], NO_LIMIT), name),
  async (caller, name) => {
    const bytes = new Uint8Array(PAYLOAD_BYTES);
    assert.equal(await caller.call(routines.measure, [name, bytes], NO_LIMIT), PAYLOAD_BYTES);
  },
  async (caller, name) => {
    assert.equal(await caller.call(routines.linger, [name, LINGER_MS], NO_LIMIT), name);
  },
  async (caller, name) => {
    let last = 0;
    for await (const n of caller.stream(routines.items, [name, ITEMS])) assert.equal(n, ++last);
    assert.equal(last, ITEMS);
  },
  async (caller, name) => {
    const signal = AbortSignal.timeout(CANCELLED_AFTER_MS);
    await caller.call(routines.linger, [name, 60_000], { ...NO_LIMIT, signal });
  },
] as const satisfies readonly ((
  caller: Caller<unknown, unknown>,
  name: string,
) => Promise<void>)[];

/** How a call ended that failed with `error`. */
export function endingOf(error: unknown): Ending {
  const { name, errors, worker, peerReason, notBegun } = error as {
    readonly name?: string;
    readonly errors?: readonly { readonly peerReason?: string }[];
    readonly worker?: { readonly address: string };
    readonly peerReason?: string;
    readonly notBegun?: boolean;
  };
  if (name === "TimeoutError") return { how: "cancelled" };
  const asked = errors ?? [{ peerReason }];
  return {
    how: "failed",
    error: `${error} ${errors?.map(String).join("; ") ?? ""}`,
    denied: asked.length > 0 && asked.every((one) => one.peerReason === "certificate-denied"),
    ...(name === "WorkerUnavailable" && notBegun === false && { lost: worker?.address ?? "" }),
  };
}
