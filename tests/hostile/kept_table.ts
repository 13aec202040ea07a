import type { Kept } from "./kept.ts";

const MIB = 1024 * 1024;

/** Prints the head of a Markdown table: the throughput kept beside each kind of peer. */
export function printKeptHead(peer: string): void {
  console.log(`| ${peer} | attacks | calls/s alone | beside | kept | heap and external, MiB |`);
  console.log("| --- | --- | --- | --- | --- | --- |");
}

/** Prints a row of it; `moreBytes` is what is held more than before. */
export function printKept(peer: string, attacks: number, kept: Kept, moreBytes: number): void {
  const more = moreBytes / MIB;
  const row = [
    peer,
    attacks,
    Math.round(kept.alone),
    Math.round(kept.beside),
    `${Math.round(kept.ratio * 100)} %`,
    `${more < 0 ? "−" : "+"}${Math.abs(more).toFixed(1)}`,
  ];
  console.log(`| ${row.join(" | ")} |`);
}
