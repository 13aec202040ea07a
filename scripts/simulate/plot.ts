/** How long the longest bar is, in characters. */
const WIDTH = 50;

/** A bar plot as text: one line for each row, the longest bar for the largest value. */
export function bars(rows: readonly (readonly [label: string, value: number])[]): string {
  const most = Math.max(...rows.map(([, value]) => value), 1);
  const labels = Math.max(...rows.map(([label]) => label.length), 0);
  return rows.map(([label, value]) =>
    `${label.padStart(labels)} ${"█".repeat(Math.round(value / most * WIDTH))} ${value}`
  ).join("\n");
}

/** How many values fall into each step, the empty steps between them included. */
export function histogram(
  values: readonly number[],
  step: number,
): readonly (readonly [string, number])[] {
  const counts = new Map<number, number>();
  for (const value of values) {
    const place = Math.floor(value / step);
    counts.set(place, (counts.get(place) ?? 0) + 1);
  }
  const places = [...counts.keys()].sort((a, b) => a - b);
  const [first = 0, last = -1] = [places[0], places.at(-1)];
  return Array.from({ length: last - first + 1 }, (_, at) => {
    const place = first + at;
    return [(place * step).toFixed(2), counts.get(place) ?? 0] as const;
  });
}
