import { type Figure, SCENARIOS } from "./scenarios.ts";
import { type Figures, keyOf } from "./turns.ts";

/** The medians of one scenario, by subject. */
export interface Row {
  readonly scenario: string;
  readonly unit: string;
  readonly subjects: Record<string, { readonly value: number; readonly cpuUs?: number }>;
  /** How many times better the first subject is than each other, in the median of the turns. */
  readonly ratios: Record<string, number>;
  /** The first subject's processor time a call or item, by each other's. */
  readonly cpuRatios: Record<string, number>;
  /** How many times better the first subject is here than in the row beside. */
  readonly beside?: {
    readonly scenario: string;
    readonly ratio: number;
    readonly cpuRatio?: number;
  };
}

/** One table and one value for JSON of everything that was measured. */
export function report(
  scenarios: readonly string[],
  subjects: readonly string[],
  figures: Figures,
): { readonly table: string; readonly json: Record<string, unknown> } {
  const rows = scenarios.map((scenario) => rowOf(scenario, subjects, figures));
  const others = subjects.slice(1);
  const lines = [["", "unit", ...subjects, ...others.map((name) => `x ${name}`), "x beside"]];
  for (const row of rows) {
    lines.push([
      row.scenario,
      row.unit,
      ...subjects.map((name) => cell(row.subjects[name])),
      ...others.map((name) => ratioText(row.ratios[name], row.cpuRatios[name])),
      row.beside === undefined
        ? ""
        : `${ratioText(row.beside.ratio, row.beside.cpuRatio)} ${row.beside.scenario}`,
    ]);
  }
  const { deno } = Deno.version;
  return { table: aligned(lines), json: { deno, cores: navigator.hardwareConcurrency, rows } };
}

function rowOf(scenario: string, subjects: readonly string[], figures: Figures): Row {
  const { unit, better, beside } = SCENARIOS.get(scenario)!;
  const of = (name: string, row = scenario) => figures.get(keyOf(row, name)) ?? [];
  const [first = "", ...others] = subjects;
  const row: Row = { scenario, unit, subjects: {}, ratios: {}, cpuRatios: {} };
  for (const name of subjects) {
    const found = of(name).filter((figure) => figure !== undefined);
    if (found.length === 0) continue;
    const cpuUs = median(found.flatMap(({ cpuUs }) => cpuUs ?? []));
    const value = median(found.map(({ value }) => value!));
    row.subjects[name] = { value, ...(Number.isFinite(cpuUs) && { cpuUs }) };
  }
  for (const name of others) {
    const { ratio, cpuRatio } = comparison(of(first), of(name), better);
    if (Number.isFinite(ratio)) row.ratios[name] = ratio;
    if (Number.isFinite(cpuRatio)) row.cpuRatios[name] = cpuRatio;
  }
  if (beside === undefined) return row;
  const { ratio, cpuRatio } = comparison(of(first), of(first, beside), better);
  if (!Number.isFinite(ratio)) return row;
  const cpu = Number.isFinite(cpuRatio) ? { cpuRatio } : {};
  return { ...row, beside: { scenario: beside, ratio, ...cpu } };
}

/** How many times better the first figures are than the second ones; `NaN` without any. */
function comparison(
  ours: readonly (Figure | undefined)[],
  theirs: readonly (Figure | undefined)[],
  better: "less" | "more",
): { readonly ratio: number; readonly cpuRatio: number } {
  const pairs = ours.flatMap((our, turn) => {
    const their = theirs[turn];
    return our === undefined || their === undefined ? [] : [{ our, their }];
  });
  const ratio = median(pairs.map(({ our, their }) => our.value! / their.value!));
  const cpuOf = (figures: readonly Figure[]) => median(figures.map(({ cpuUs }) => cpuUs ?? NaN));
  return {
    ratio: better === "more" ? ratio : 1 / ratio,
    cpuRatio: cpuOf(pairs.map(({ our }) => our)) / cpuOf(pairs.map(({ their }) => their)),
  };
}

function ratioText(ratio: number | undefined, cpuRatio: number | undefined): string {
  if (ratio === undefined) return "";
  return `${ratio.toFixed(2)}${cpuRatio === undefined ? "" : ` (cpu ${cpuRatio.toFixed(2)})`}`;
}

function cell(figure: { readonly value: number; readonly cpuUs?: number } | undefined): string {
  if (figure === undefined) return "";
  const { value, cpuUs } = figure;
  const digits = value < 10 ? 3 : value < 100 ? 1 : 0;
  return `${value.toFixed(digits)}${cpuUs ? ` (${cpuUs.toFixed(2)} us)` : ""}`;
}

function aligned(lines: readonly string[][]): string {
  const widths = lines[0]!.map((_, at) => Math.max(...lines.map((line) => line[at]!.length)));
  return lines
    .map((line) => line.map((text, at) => text.padEnd(widths[at]!)).join("  ").trimEnd())
    .join("\n");
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}
