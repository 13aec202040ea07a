import { isInputFailure, runsOnDeno } from "../platform/mod.ts";

let isListening = false;

/**
 * Keeps the process where a caller's input has failed and nothing handles that: a loop over the input that runs beside
 * its routine, and that nothing awaits. Any other rejection that nothing handles ends it, as Deno has it.
 */
export function outliveInputFailures(): void {
  // Elsewhere there are workers in memory alone, for tests.
  if (isListening || !runsOnDeno) return;
  isListening = true;
  globalThis.addEventListener("unhandledrejection", (event) => {
    if (isInputFailure(event.reason)) event.preventDefault();
  });
}
