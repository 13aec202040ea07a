/** Everything that is measured, in the order of the table. */
export const SCENARIOS = {
  "calls-1": { unit: "ms (median)", better: "less" },
  "calls-8": { unit: "calls/s", better: "more" },
  "calls-64": { unit: "calls/s", better: "more" },
  "calls-512": { unit: "calls/s", better: "more" },
  "result-1m": { unit: "MB/s", better: "more" },
  "result-4m": { unit: "MB/s", better: "more" },
  "argument-1m": { unit: "MB/s", better: "more" },
  "argument-4m": { unit: "MB/s", better: "more" },
  "down-32-1": { unit: "items/s", better: "more" },
  "down-32-16": { unit: "items/s", better: "more" },
  "up-32-1": { unit: "items/s", better: "more" },
  "up-32-16": { unit: "items/s", better: "more" },
  "down-64k-1": { unit: "MB/s", better: "more" },
  "down-64k-16": { unit: "MB/s", better: "more" },
  "up-64k-1": { unit: "MB/s", better: "more" },
  "up-64k-16": { unit: "MB/s", better: "more" },
  "duplex-1": { unit: "ms (median)", better: "less" },
} as const satisfies Record<string, Scenario>;

/** The name of something that is measured. */
export type ScenarioName = keyof typeof SCENARIOS;

/** What a figure means. */
export interface Scenario {
  readonly unit: "ms (median)" | "calls/s" | "items/s" | "MB/s";
  readonly better: "less" | "more";
}

/** What a driver is asked for on its standard input, one JSON line each. */
export interface Task {
  readonly scenario: ScenarioName;
  /** For how long to measure, in milliseconds. */
  readonly durationMs: number;
}

/** What it answers on its standard output; nothing where it does not know the scenario. */
export interface Figure {
  readonly value?: number;
  /** Processor time of both processes a call or item, in microseconds. */
  readonly cpuUs?: number;
}
