/** What of the console writes to stdout. */
const SPEAKING = ["log", "info", "debug", "group", "groupCollapsed"] as const;

/**
 * Sends to stderr what the modules of a worker say on the console: on stdout scripts read the worker's own
 * line and nothing else.
 *
 * @returns What prints a line to stdout all the same.
 */
export function keepStdout(): (line: string) => void {
  const print = console.log.bind(console);
  for (const name of SPEAKING) console[name] = (...said: unknown[]) => console.error(...said);
  return print;
}
