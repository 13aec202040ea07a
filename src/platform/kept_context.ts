import { AsyncLocalStorage } from "node:async_hooks";

/**
 * The values that are scoped here (see {@linkcode scopedValue}, and `AsyncLocalStorage`), to run functions with later.
 *
 * @returns Runs a function with them, whatever is in force where it is called.
 */
export function keptContext(): <Result>(run: () => Result) => Result {
  return AsyncLocalStorage.snapshot();
}
