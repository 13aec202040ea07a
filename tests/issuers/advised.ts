import assert from "node:assert/strict";
import type { Advice } from "../../src/identity/mod.ts";
import { outcomes } from "./outcomes.ts";

/** Asserts what is advised on the certificates of a row, and whose settings the advice names. */
export function assertAdvised(row: string, given: readonly Advice[]): void {
  const { advice, settingsOf } = outcomes[row]!;
  // Whether it was issued just now depends on the machine's speed.
  const lasting = given.filter(({ rule }) => rule !== "leaf.not-before");
  assert.deepEqual([...new Set(lasting.map(({ rule }) => rule))], advice);
  if (settingsOf === undefined) return;
  for (const { setting } of lasting) {
    assert.ok(setting.startsWith(`${settingsOf}: `), `${row}: ${setting}`);
  }
}
