import { escapePeerText } from "../errors/mod.ts";

/** The longest cell, in characters: the longest SPIFFE ID. */
const MAX_CELL = 2_048;

/**
 * Writes a table in columns as wide as their widest cell.
 *
 * @param rows The cells, as many in each row; what in them a terminal would obey is escaped.
 */
export function alignedTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string[] {
  const shown = rows.map((row) => row.map((cell) => escapePeerText(cell, MAX_CELL)));
  const widths = head.map((title, at) =>
    Math.max(title.length, ...shown.map((row) => row[at]!.length))
  );
  return [head, ...shown].map((row) =>
    row.map((cell, at) => cell.padEnd(widths[at]!)).join("  ").trimEnd()
  );
}
