import { escapePeerText } from "../../errors/mod.ts";
import { alignedTable } from "../table.ts";
import type { FleetRow } from "./examine_fleet.ts";

/** The longest line about a worker, in characters. */
const MAX_MESSAGE = 4_096;

/** Writes the rows of a fleet as a table, and below it what is wrong where. */
export function renderFleet(rows: readonly FleetRow[]): string {
  const lines = alignedTable(
    ["", "WORKER", "IDENTITY", "CERTIFICATE UNTIL", "PROBLEM"],
    rows.map(({ ok, address, id, identity, notAfter, problem }) => [
      ok ? "ok" : "FAIL",
      id === undefined ? address : `${address} ${id}`,
      identity ?? "-",
      notAfter?.slice(0, 16).replace("T", " ") ?? "-",
      problem === undefined ? "" : wordOf(problem),
    ]),
  );
  for (const { address, problem } of rows) {
    if (problem === undefined) continue;
    lines.push("", escapePeerText(`${address}: ${problem.message}`, MAX_MESSAGE));
  }
  const failed = rows.filter(({ ok }) => !ok).length;
  const count = `${rows.length} ${rows.length === 1 ? "worker" : "workers"}`;
  lines.push("", failed === 0 ? `${count}: all is well` : `${count}: ${failed} with a problem`);
  return lines.join("\n");
}

function wordOf({ error, reason, peerReason }: NonNullable<FleetRow["problem"]>): string {
  if (peerReason !== undefined) return `${reason} (${peerReason})`;
  return reason ?? error;
}
