import { durationText } from "../../values/mod.ts";

/** What `selvage top` shows at one moment. */
export interface TopView {
  /** What is watched: a discovery URL, or a worker and its address. */
  readonly title: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** One sentence of the whole: calls in flight, calls a second, latency. */
  readonly summary: string;
  readonly head: readonly string[];
  /** As many cells as the head has. */
  readonly rows: readonly (readonly string[])[];
  /** Refused or failed handshakes, by reason. */
  readonly refusals: Readonly<Record<string, number>>;
}

/** Writes a view for a terminal: no line is wider, and no more lines are written, than it has. */
export function renderTop(
  view: TopView,
  size: { readonly columns: number; readonly rows: number },
): readonly string[] {
  // A terminal that was given no size, as some consoles and containers have, says 0.
  const [columns, rows] = [size.columns || 80, size.rows || 24];
  const refusals = Object.entries(view.refusals).sort(([, a], [, b]) => b - a)
    .map(([reason, count]) => `${reason} ${count}`);
  const foot = `refusals: ${refusals.length === 0 ? "none" : refusals.join(", ")}`;
  const room = Math.max(1, rows - 7);
  const shown = view.rows.slice(0, room);
  const hidden = view.rows.length - shown.length;
  return [
    `selvage top  ${view.title}  ${new Date(view.at).toISOString().slice(11, 19)}Z`,
    view.summary,
    "",
    ...table(view.head, shown, columns),
    ...hidden > 0 ? [`… and ${hidden} more`] : [],
    "",
    foot,
    // A peer's name must not be able to move the cursor.
  ].map((line) => cut(line.replace(/\p{C}/gu, "?"), columns));
}

/** A last column takes what is left; where all together are too wide, the widest gives way. */
function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  columns: number,
): readonly string[] {
  const widths = head.map((title, at) =>
    Math.max(title.length, ...rows.map((row) => row[at]!.length))
  );
  const gaps = 2 * (head.length - 1);
  while (widths.reduce((sum, width) => sum + width, gaps) > columns) {
    const widest = widths.indexOf(Math.max(...widths));
    if (widths[widest]! <= 4) break;
    widths[widest]! -= 1;
  }
  return [head, ...rows].map((row) =>
    row.map((cell, at) => cut(cell, widths[at]!).padEnd(widths[at]!)).join("  ").trimEnd()
  );
}

/** The end of a name tells workers apart, so it is the middle that is left out. */
function cut(text: string, width: number): string {
  if (text.length <= width) return text;
  if (width < 3) return text.slice(0, width);
  const end = Math.floor((width - 1) / 2);
  return `${text.slice(0, width - 1 - end)}…${text.slice(text.length - end)}`;
}

/** How long until then: `23h 4m`, `expired`. */
export function left(until: number | undefined, now: number): string {
  if (until === undefined) return "-";
  const ms = until - now;
  return ms <= 0 ? "expired" : durationText(ms);
}

/** Milliseconds as they are read at a glance. */
export function shownMs(ms: number | undefined): string {
  if (ms === undefined || !Number.isFinite(ms)) return "-";
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}
