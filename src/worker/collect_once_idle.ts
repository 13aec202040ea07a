import { collectGarbage } from "../platform/mod.ts";
import type { WorkerServer } from "./worker_server.ts";

/** From the start on, and then until no call is in flight: its last promises and log lines are done by then. */
const WAIT_MS = 1_000;

/**
 * Returns to the system what a worker's start left, once the worker is idle: 7 MiB, most of it the room that V8 made
 * for young objects while modules were loaded. A call that arrives meanwhile waits for 50 ms, once. For a process that
 * does nothing else.
 *
 * @param collect Collects. Default: {@linkcode collectGarbage}.
 */
export function collectOnceIdle(
  worker: Pick<WorkerServer, "inFlight">,
  collect: () => Promise<void> = collectGarbage,
): Disposable {
  const timer = setInterval(() => {
    if (worker.inFlight > 0) return;
    clearInterval(timer);
    // A release of the platform that does not offer it keeps a few MiB more, and serves all the same.
    collect().catch(() => {});
  }, WAIT_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
