/** How many names are compared at most: the rest of a larger table is not worth a peer's time. */
const MAX_COMPARED = 512;
/** The longest name that is compared. */
const MAX_LENGTH = 128;

/** The name that a mistyped one most likely stands for; nothing where none is near. */
export function nearestName(wanted: string, names: Iterable<string>): string | undefined {
  if (wanted.length > MAX_LENGTH) return undefined;
  let nearest: string | undefined;
  // A third of the characters may be wrong.
  let least = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  let compared = 0;
  for (const name of names) {
    if (++compared > MAX_COMPARED) break;
    const distance = editDistance(wanted.toLowerCase(), name.toLowerCase(), least);
    if (distance < least) [nearest, least] = [name, distance];
  }
  return nearest;
}

/** Insertions, deletions, replacements and swaps of neighbours; `limit` where there are as many. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let edits = Math.min(at(last, j) + 1, at(row, j - 1) + 1, replaced);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        edits = Math.min(edits, at(before, j - 2) + 1);
      }
      row.push(edits);
      least = Math.min(least, edits);
    }
    if (least >= limit) return limit;
    [before, last] = [last, row];
  }
  return at(last, b.length);
}

function at(row: readonly number[], j: number): number {
  return row[j] ?? 0;
}
