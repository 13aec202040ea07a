import { type DiscoveredWorker, discoveryFromUrl } from "../../discovery/mod.ts";
import { NoWorkersAvailable, SelvageError } from "../../errors/mod.ts";
import { type Examination, examine } from "./examine.ts";
import { leafOf } from "./examine_files.ts";
import type { Problem, Step } from "./report.ts";
import { present } from "../../values/mod.ts";

/** What became of one worker. */
export interface FleetRow {
  readonly address: string;
  /** Its id, where discovery knows it. */
  readonly id?: string | undefined;
  readonly ok: boolean;
  /** Who it has proven to be. */
  readonly identity?: string | undefined;
  /** When its certificate ends. */
  readonly notAfter?: string | undefined;
  /** The first thing that is wrong. */
  readonly problem?: Problem | undefined;
  readonly steps: readonly Step[];
}

/** How a fleet is examined: each worker as {@linkcode examine} does. */
export interface FleetExamination extends Omit<Examination, "endpoint"> {
  /** The discovery URL. */
  readonly discover: string;
}

/** So many workers are examined at once. */
const AT_ONCE = 8;
/** So many are examined at most: as many as a dispatcher knows of one discovery. */
const MAX_WORKERS = 1_024;

/**
 * Examines every worker that a discovery knows now.
 *
 * @returns A row for each, in the order of discovery.
 * @throws {NoWorkersAvailable} If it finds none in time.
 * @throws {ConfigurationError} If the URL cannot be used.
 */
export async function examineFleet(examination: FleetExamination): Promise<readonly FleetRow[]> {
  const workers = await workersOf(examination.discover, examination.timeoutMs);
  const rows: FleetRow[] = [];
  const waiting = workers.entries();
  const lane = async (): Promise<void> => {
    for (const [at, worker] of waiting) rows[at] = await examineOne(worker, examination);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return rows;
}

async function examineOne(
  { address, id, expected }: DiscoveredWorker,
  examination: FleetExamination,
): Promise<FleetRow> {
  const identity = examination.identity ?? (expected === undefined ? undefined : [expected]);
  const steps: Step[] = [];
  let fault: Problem | undefined;
  try {
    for await (const step of examine({ ...examination, endpoint: address, identity })) {
      steps.push(step);
    }
  } catch (error) {
    // An announced address may be none; the others are examined all the same.
    if (!(error instanceof SelvageError)) throw error;
    fault = { error: error.name, message: error.message };
  }
  const problem = fault ?? steps.find(({ outcome }) => outcome === "failed")?.problem;
  const trust = steps.find(({ step }) => step === "trust");
  const name = trust !== undefined && "identity" in trust ? trust.identity : undefined;
  return {
    address,
    ...present({ id }),
    ok: problem === undefined,
    identity: name,
    notAfter: leafOf(steps)?.notAfter,
    problem,
    steps,
  };
}

/** What discovery knows first; where that is nothing, what comes in time. */
async function workersOf(url: string, timeoutMs: number): Promise<readonly DiscoveredWorker[]> {
  const discovery = discoveryFromUrl(url);
  const over = new AbortController();
  const found = new Map<string, DiscoveredWorker>();
  let why = "";
  const read = async (): Promise<void> => {
    for await (const batch of discovery.watch(over.signal)) {
      for (const change of batch) {
        if ((change.kind === "added" || change.kind === "updated") && found.size < MAX_WORKERS) {
          found.set(change.worker.address, change.worker);
        } else if (change.kind === "removed") found.delete(change.address);
        else if (change.kind === "failed") why = ` (${change.message})`;
      }
      if (found.size > 0) return;
    }
  };
  const timer = setTimeout(() => over.abort(), timeoutMs);
  const late = new Promise<void>((resolve) =>
    over.signal.addEventListener("abort", () => resolve())
  );
  try {
    await Promise.race([read(), late]);
  } catch (error) {
    if (!over.signal.aborted) throw error;
  } finally {
    clearTimeout(timer);
    over.abort();
  }
  if (found.size > 0) return [...found.values()];
  throw new NoWorkersAvailable(`discovery has found no worker: ${discovery.source}${why}`);
}
