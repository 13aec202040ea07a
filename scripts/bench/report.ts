import { type Figure, type ScenarioName, SCENARIOS } from "./scenarios.ts";

/** The medians of one scenario, by subject. */
export interface Row {
  readonly scenario: ScenarioName;
  readonly unit: string;
  readonly subjects: Record<string, { readonly value: number; readonly cpuUs?: number }>;
  /** How many times better the first subject is than each other, in the median of the turns. */
  readonly ratios: Record<string, number>;
  /** The first subject's processor time a call or item, by each other's. */
  readonly cpuRatios: Record<string, number>;
}

/** One table and one value for JSON of everything that was measured. */
export function report(
  scenarios: readonly ScenarioName[],
  subjects: readonly string[],
  figures: ReadonlyMap<string, readonly Figure[]>,
): { readonly table: string; readonly json: { readonly cores: number; readonly rows: Row[] } } {
  const rows = scenarios.map((scenario) => rowOf(scenario, subjects, figures));
  const lines = [["", "unit", ...subjects, ...subjects.slice(1).map((name) => `x ${name}`)]];
  for (const { scenario, unit, subjects: found, ratios, cpuRatios } of rows) {
    lines.push([
      scenario,
      unit,
      ...subjects.map((name) => cell(found[name])),
      ...subjects.slice(1).map((name) => {
        if (ratios[name] === undefined) return "";
        const cpu = cpuRatios[name] === undefined ? "" : ` (cpu ${cpuRatios[name].toFixed(2)})`;
        return `${ratios[name].toFixed(2)}${cpu}`;
      }),
    ]);
  }
  return { table: aligned(lines), json: { cores: navigator.hardwareConcurrency, rows } };
}

function rowOf(
  scenario: ScenarioName,
  subjects: readonly string[],
  figures: ReadonlyMap<string, readonly Figure[]>,
): Row {
  const { unit, better } = SCENARIOS[scenario];
  const of = (name: string) => figures.get(`${scenario} ${name}`) ?? [];
  const [first = "", ...others] = subjects;
  const row: Row = { scenario, unit, subjects: {}, ratios: {}, cpuRatios: {} };
  for (const name of subjects) {
    const found = of(name);
    if (found.length === 0) continue;
    const cpu = found.map(({ cpuUs }) => cpuUs).filter((us) => us !== undefined);
    row.subjects[name] = {
      value: median(found.map(({ value }) => value!)),
      ...(cpu.length > 0 && { cpuUs: median(cpu) }),
    };
  }
  for (const name of others) {
    const ratios = of(name).map(({ value }, turn) => of(first)[turn]!.value! / value!);
    if (ratios.length === 0) continue;
    row.ratios[name] = better === "more" ? median(ratios) : 1 / median(ratios);
    const [ours, theirs] = [row.subjects[first]?.cpuUs, row.subjects[name]?.cpuUs];
    if (ours && theirs) row.cpuRatios[name] = ours / theirs;
  }
  return row;
}

function cell(figure: { readonly value: number; readonly cpuUs?: number } | undefined): string {
  if (figure === undefined) return "";
  const { value, cpuUs } = figure;
  const digits = value < 10 ? 3 : 0;
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
