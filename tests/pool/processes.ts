/** Looking at processes, for the tests of pools. */

/** Whether a process is there. */
export function isRunning(process: number): boolean {
  try {
    Deno.kill(process, "SIGCONT");
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Waits until every process has ended; there is no event for a process that is not our child. */
export async function gone(processes: readonly number[], withinMs = 60_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (processes.some(isRunning)) {
    if (performance.now() > end) throw new Error(`processes ${processes} are still there`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
