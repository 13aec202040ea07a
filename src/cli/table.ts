/**
 * Writes a table in columns as wide as their widest cell.
 *
 * @param head The titles.
 * @param rows The cells, as many in each row.
 * @returns The lines.
 */
export function alignedTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string[] {
  const widths = head.map((title, at) =>
    Math.max(title.length, ...rows.map((row) => row[at]!.length))
  );
  return [head, ...rows].map((row) =>
    row.map((cell, at) => cell.padEnd(widths[at]!)).join("  ").trimEnd()
  );
}
