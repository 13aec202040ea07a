/** Collects the young objects alone where it is asked to, as V8 does most of the time; else all of them. */
type Collect = (options?: { readonly type: "minor" }) => void;

/** Heap and external memory in use after collections, in bytes; the process exposes its collector. */
export async function heldBytes(): Promise<number> {
  for (let n = 0; n < 5; n++) {
    exposed()?.();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

/** What of the heap is garbage that survived while it was young, in bytes: the whole heap has to be collected for it. */
export function survivedBytes(): number {
  const collect = exposed();
  // What survives twice is old.
  for (let n = 0; n < 2; n++) collect?.({ type: "minor" });
  const before = Deno.memoryUsage().heapUsed;
  collect?.();
  return before - Deno.memoryUsage().heapUsed;
}

function exposed(): Collect | undefined {
  return (globalThis as { gc?: Collect }).gc;
}
