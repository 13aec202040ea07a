import type { JobDone } from "./file_job.ts";

/** What one worker has done. */
interface Share {
  calls: number;
  bytes: number;
}

/** The sums of a run, all in all and by worker. */
export class Tally {
  readonly #byProcess = new Map<number, Share>();
  files = 0;
  bytes = 0;
  lines = 0;
  words = 0;
  mismatches = 0;
  /** Files that could not be opened. */
  unreadable = 0;
  /** Calls that failed. */
  failed = 0;

  /** Adds a file. */
  add({ digest, bytes, matches }: JobDone): void {
    this.files += 1;
    this.bytes += bytes;
    this.lines += digest.lines;
    this.words += digest.words;
    if (!matches) this.mismatches += 1;
    const share = this.#byProcess.get(digest.process) ?? { calls: 0, bytes: 0 };
    share.calls += 1;
    share.bytes += bytes;
    this.#byProcess.set(digest.process, share);
  }

  /** A table for a person. */
  table(seconds: number): string {
    const rows = [
      ["worker", "files", "bytes", "calls/s"],
      ...[...this.#byProcess].sort(([a], [b]) => a - b).map(([process, share]) => [
        `process ${process}`,
        ...figures(share.calls, share.bytes, seconds),
      ]),
      ["all", ...figures(this.files, this.bytes, seconds)],
    ];
    return `${columns(rows)}\n\n${this.lines.toLocaleString("en")} lines, ` +
      `${this.words.toLocaleString("en")} words, ${this.mismatches} mismatches` +
      (this.unreadable === 0 ? "" : `, ${this.unreadable} files could not be opened`) +
      (this.failed === 0 ? "" : `, ${this.failed} calls failed`);
  }
}

function figures(calls: number, bytes: number, seconds: number): string[] {
  return [calls, bytes, Math.round(calls / seconds)].map((figure) => figure.toLocaleString("en"));
}

function columns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)
    ).join("  ")
  ).join("\n");
}
