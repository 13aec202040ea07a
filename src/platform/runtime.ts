/** Whether this is Deno; elsewhere its global is missing. */
export const runsOnDeno: boolean = "Deno" in globalThis;

/**
 * Names the platform where it is not Deno; `undefined` on Deno.
 *
 * @param what What needs Deno, the subject of the sentence.
 */
export function requireDeno(what: string): string | undefined {
  if (runsOnDeno) return undefined;
  const { process } = globalThis as { process?: { version?: string } };
  const here = process?.version === undefined ? "another runtime" : `Node ${process.version}`;
  return `${what} runs on Deno, and this is ${here}: callers (Dispatcher) run on Node, workers and pools do not`;
}
