/** What a process holds, after a forced collection. */
export interface Held {
  /** Heap and external memory in use, in bytes. */
  readonly bytes: number;
  /** Open files, sockets among them; 0 where the system does not tell. */
  readonly files: number;
}

/** What this process holds; it must have been started with `--v8-flags=--expose-gc`. */
export async function heldHere(): Promise<Held> {
  const { gc } = globalThis as { gc?: () => void };
  if (gc === undefined) throw new Error("start it with --v8-flags=--expose-gc");
  gc();
  // What the first one found to be finalized is gone after the next.
  await new Promise((resolve) => setTimeout(resolve));
  gc();
  const { heapUsed, external } = Deno.memoryUsage();
  return { bytes: heapUsed + external, files: openFiles() };
}

function openFiles(): number {
  if (Deno.build.os !== "linux") return 0;
  return [...Deno.readDirSync("/proc/self/fd")].length;
}
