import type { AbortEvents } from "./ending.ts";

/** Calls `listener` once when `signal` aborts, unless the result is disposed of before. */
export function onAbort(signal: AbortEvents | undefined, listener: () => void): Disposable {
  signal?.addEventListener("abort", listener, { once: true });
  return { [Symbol.dispose]: () => signal?.removeEventListener("abort", listener) };
}
