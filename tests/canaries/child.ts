import { lines } from "../support/lines.ts";

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
  const process = new Deno.Command("sh", {
    args: ["-c", 'ulimit -c 0; exec "$@"', "sh", ...run],
    env: { ...env, NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let late = false;
  const deadline = setTimeout(() => {
    late = true;
    process.kill("SIGKILL");
  }, DEADLINE_MS);
  const printing = reading(process.stdout);
  const errors = new Response(process.stderr).text();
  const over = (async (): Promise<Ended> => {
    const { code, signal } = await process.status;
    clearTimeout(deadline);
    return { code, signal, printed: await printing.all, errors: await errors };
  })();
  return {
    firstLine: printing.firstLine,
    ended: over.then((ended) => {
      if (late) throw new Error(`still running after ${DEADLINE_MS} ms: ${ended.errors}`);
      return ended;
    }),
    async [Symbol.asyncDispose](): Promise<void> {
      try {
        process.kill("SIGKILL");
      } catch {
        // It has ended by itself.
      }
      await over;
    },
  };
}

/** Reads to the end; where there is no first line, waiting for it fails. */
function reading(
  bytes: ReadableStream<Uint8Array<ArrayBuffer>>,
): { firstLine: Promise<string>; all: Promise<string> } {
  const first = Promise.withResolvers<string>();
  first.promise.catch(() => {});
  const all = (async () => {
    let text = "";
    for await (const line of lines(bytes)) {
      first.resolve(line);
      text += `${line}\n`;
    }
    first.reject(new Error(`no line was printed: ${text}`));
    return text;
  })();
  return { firstLine: first.promise, all };
}
