/** Microseconds of a clock tick of `/proc/PID/stat`: 100 a second on every Linux that Deno runs on. */
const TICK_US = 10_000;

/**
 * The processor time that these processes have used, with all their threads.
 *
 * @returns Microseconds, in steps of 10 ms; 0 where there is no `/proc`.
 */
export async function processorUs(...pids: number[]): Promise<number> {
  let ticks = 0;
  for (const pid of pids) {
    const text = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => undefined);
    if (text === undefined) return 0;
    // The name, in parentheses, may hold spaces; utime and stime are fields 14 and 15.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks * TICK_US;
}
