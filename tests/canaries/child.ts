import { Journal } from "../support/journal.ts";
import { TestProcess } from "../support/test_process.ts";

/** How a process of its own ended. */
export interface Ended {
  readonly code: number;
  /** What killed it, where something did. */
  readonly signal: Deno.Signal | null;
  /** What it printed. */
  readonly printed: string;
  /** What it printed as errors. */
  readonly errors: string;
}

/** A script in a process of its own, of which it may well die. */
export interface Child extends AsyncDisposable {
  /** The first line it prints. */
  readonly firstLine: Promise<string>;
  /** How it ended by itself; rejects where it did not within a minute. */
  readonly ended: Promise<Ended>;
}

/** Far more than any of them takes; a process that hangs is ended all the same. */
const DEADLINE_MS = 60_000;

/** Starts a script under this Deno. `config` is its first argument, as JSON. A death leaves no core file behind. */
export function startChild(
  script: string,
  config: unknown,
  env: Readonly<Record<string, string>> = {},
): Child {
  const run = [Deno.execPath(), "eval", script, JSON.stringify(config)];
  const [printed, errors] = [new Journal<string>(), new Journal<string>()];
  const process = new TestProcess("sh", {
    args: ["-c", 'ulimit -c 0; exec "$@"', "sh", ...run],
    env,
    onLine: (line) => printed.add(line),
    onErrorLine: (line) => errors.add(line),
  });
  let late = false;
  const deadline = setTimeout(() => {
    late = true;
    process.kill();
  }, DEADLINE_MS);
  const ended = process.ended.then(({ code, signal }): Ended => {
    clearTimeout(deadline);
    printed.end();
    if (late) throw new Error(`still running after ${DEADLINE_MS} ms: ${textOf(errors)}`);
    return { code, signal, printed: textOf(printed), errors: textOf(errors) };
  });
  const firstLine = printed.until(() => true);
  firstLine.catch(() => {});
  return { firstLine, ended, [Symbol.asyncDispose]: () => process[Symbol.asyncDispose]() };
}

function textOf({ entries }: Journal<string>): string {
  return entries.map((line) => `${line}\n`).join("");
}
