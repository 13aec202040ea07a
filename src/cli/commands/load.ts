import { failureOf } from "../failure.ts";
import { Latencies, type LatencySummary } from "./latencies.ts";
import { present } from "../../values/mod.ts";

/** How often to call, and how many calls at once. */
export interface LoadOptions {
  /** The number of calls. */
  readonly repeat: number;
  /** How many at once. */
  readonly concurrency: number;
  /** Begins no more calls. */
  readonly signal: AbortSignal;
}

/** What became of many calls. */
export interface LoadReport {
  /** The calls that were made; fewer than wanted where the load was interrupted. */
  readonly calls: number;
  readonly succeeded: number;
  /** How many failed, by error and reason. */
  readonly failed: Readonly<Record<string, number>>;
  /** How long all of them took, in seconds. */
  readonly seconds: number;
  readonly callsPerSecond: number;
  /** How long those that succeeded took, in milliseconds; left out where none did. */
  readonly latencyMs?: LatencySummary;
}

/** A report, and the error that was met most often. */
export interface Load {
  readonly report: LoadReport;
  readonly worst: unknown;
}

/** Makes a call many times, and reports how that went. */
export async function load(
  call: () => Promise<unknown>,
  { repeat, concurrency, signal }: LoadOptions,
): Promise<Load> {
  const latencies = new Latencies();
  const failures = new Map<string, { count: number; readonly error: unknown }>();
  let begun = 0;
  let calls = 0;
  let succeeded = 0;
  const started = performance.now();
  const one = async (): Promise<void> => {
    const at = performance.now();
    try {
      await call();
      latencies.add(performance.now() - at);
      succeeded += 1;
    } catch (error) {
      if (signal.aborted) return;
      const name = nameOf(error);
      const known = failures.get(name);
      if (known === undefined) failures.set(name, { count: 1, error });
      else known.count += 1;
    }
    calls += 1;
  };
  const lane = async (): Promise<void> => {
    while (begun < repeat && !signal.aborted) {
      begun += 1;
      await one();
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, repeat) }, lane));
  const seconds = (performance.now() - started) / 1_000;
  const latencyMs = latencies.summary();
  const ranked = [...failures].sort(([, a], [, b]) => b.count - a.count);
  return {
    worst: ranked[0]?.[1].error,
    report: {
      calls,
      succeeded,
      failed: Object.fromEntries(ranked.map(([name, { count }]) => [name, count])),
      seconds: Number(seconds.toPrecision(3)),
      callsPerSecond: seconds === 0 ? 0 : Math.round(calls / seconds),
      ...present({ latencyMs }),
    },
  };
}

/** So many names are counted apart; a routine's error may have any name. */
function nameOf(error: unknown): string {
  const { error: name, reason, thrown } = failureOf(error);
  const detail = reason ?? thrown;
  return detail === undefined ? String(name) : `${name} (${String(detail).slice(0, 60)})`;
}

/** A report as a person reads it. */
export function renderLoad(report: LoadReport): string {
  const { calls, succeeded, failed, seconds, callsPerSecond, latencyMs } = report;
  const lines = [
    `${calls} calls in ${seconds} s: ${callsPerSecond} a second, ${succeeded} succeeded`,
  ];
  if (latencyMs !== undefined) {
    const parts = Object.entries(latencyMs).map(([name, ms]) => `${name} ${ms}`);
    lines.push(`latency in ms: ${parts.join(", ")}`);
  }
  for (const [name, count] of Object.entries(failed)) lines.push(`failed: ${count} ${name}`);
  return lines.join("\n");
}
