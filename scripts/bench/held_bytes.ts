/** Heap and external memory in use after collections, in bytes; the process exposes its collector. */
export async function heldBytes(): Promise<number> {
  const { gc } = globalThis as { gc?: () => void };
  for (let n = 0; n < 5; n++) {
    gc?.();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}
