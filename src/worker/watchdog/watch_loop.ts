/** What the watchdog's thread is given. */
export interface WatchOrders {
  /** A beat of the event loop, the last routine entered, then how often each is entered now. */
  readonly cells: SharedArrayBuffer;
  /** The routines by their place in `cells`. */
  readonly names: readonly string[];
  /** How long the event loop may stand still, in milliseconds. */
  readonly afterMs: number;
  /** Where to write past the blocked loop: a pool's pipe, the log, or nowhere. */
  readonly outlet: BlockedOutlet;
  readonly workerId: string;
}

/**
 * Where a blocked event loop is reported while it is blocked: on standard output as a message to the pool
 * that has spawned this process, on standard error as a line of the structured log, or only once it is
 * free again.
 */
export type BlockedOutlet = "pool" | "log" | "none";

/** What the thread has seen. */
export interface BlockedReport {
  /** The routine that was entered last, of those under way. */
  readonly routine: string;
  /** Others under way. */
  readonly others: readonly string[];
  /** Since when, in milliseconds since the epoch. */
  readonly since: number;
  /** Whether it has been written past the loop, for the pool to emit. */
  readonly emitted: boolean;
}

/** Where in the cells the beat is, the last routine entered, and the first routine's count. */
export const BEAT = 0;
export const LAST_ENTERED = 1;
export const FIRST_COUNT = 2;

/**
 * What runs in the watchdog's thread. It is loaded from its own text, which takes no permission: so it may
 * refer to nothing outside of itself.
 */
export function watchLoop(): void {
  const scope = globalThis as unknown as {
    onmessage: (event: { data: WatchOrders }) => void;
    postMessage: (report: BlockedReport) => void;
  };
  scope.onmessage = ({ data: { cells, names, afterMs, outlet, workerId } }) => {
    const seen = new Int32Array(cells);
    const intervalMs = afterMs / 4;
    let beat = seen[0];
    let since = Date.now();
    let due = since + intervalMs;
    let reported = false;
    setInterval(() => {
      const now = Date.now();
      // Where this thread was late, the whole process was stopped.
      if (seen[0] !== beat || now - due > afterMs || now < since) {
        [beat, since, reported] = [seen[0], now, false];
      } else if (!reported && now - since >= afterMs) reported = report(seen, since, now);
      due = now + intervalMs;
    }, intervalMs);

    function report(seen: Int32Array, since: number, now: number): boolean {
      const under = names.filter((_, at) => seen[2 + at]! > 0);
      const last = names[seen[1]!];
      const routine = last !== undefined && under.includes(last) ? last : under[0];
      if (routine === undefined) return false;
      const others = under.filter((name) => name !== routine).slice(0, 8);
      scope.postMessage({ routine, others, since, emitted: outlet === "pool" });
      const emitted = { type: "worker.blocked", workerId, routine, others, blockedMs: now - since };
      if (outlet === "pool") write(Deno.stdout, { event: "worker.emitted", emitted });
      if (outlet === "log") {
        write(Deno.stderr, {
          "@timestamp": new Date(now).toISOString(),
          level: "WARN",
          message: `routine ${routine} blocks the event loop of worker ${workerId}`,
          logger: "selvage.worker",
          properties: emitted,
        });
      }
      return true;
    }

    function write(stream: { writeSync(bytes: Uint8Array): number }, message: object): void {
      const bytes = new TextEncoder().encode(JSON.stringify(message) + "\n");
      for (let rest = bytes; rest.length > 0;) rest = rest.subarray(stream.writeSync(rest));
    }
  };
}
