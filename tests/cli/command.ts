/** Running the command as a script does, for its tests. */
import { Journal } from "../support/journal.ts";
import { TestProcess } from "../support/test_process.ts";

/** How a command ended. */
export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** How a command is run. */
export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Deno's permission flags. Default `-A`. */
  readonly permissions?: readonly string[];
}

/** How a command is run to its end. */
export interface RunOptions extends CommandOptions {
  /** What its standard input holds. Default: nothing. */
  readonly input?: string;
}

/** Runs `selvage ARGS` to its end. */
export async function selvage(
  args: readonly string[],
  options: RunOptions = {},
): Promise<Ended> {
  return await start(args, options).ended;
}

/** A command that runs. */
export interface Running extends AsyncDisposable {
  /** The first line it prints, once there is one. */
  readonly first: Promise<string | undefined>;
  /** How it ends. */
  readonly ended: Promise<Ended>;
  /** Waits until its log has said something. */
  logged(text: string): Promise<void>;
  /** Sends it a signal. */
  kill(signal: Deno.Signal): void;
}

/** Starts `selvage ARGS`. */
export function start(args: readonly string[], options: RunOptions = {}): Running {
  const { env, permissions, input } = options;
  const [out, err] = [new Journal<string>(), new Journal<string>()];
  const process = TestProcess.selvage(args, {
    ...(env === undefined ? {} : { env }),
    ...(permissions === undefined ? {} : { flags: permissions }),
    input: input !== undefined,
    onLine: (line) => out.add(line),
    onErrorLine: (line) => err.add(line),
  });
  // A command may end without reading all of it.
  if (input !== undefined) void process.writeText(input).then(() => process.closeInput());
  const first = Promise.withResolvers<string | undefined>();
  void out.until(() => true).then(first.resolve, () => first.resolve(undefined));
  const ended = process.ended.then(({ code }) => {
    out.end();
    err.end();
    return { code, out: textOf(out), err: textOf(err) };
  });
  return {
    first: first.promise,
    ended,
    logged: async (text) => void await err.until((line) => line.includes(text)),
    kill: (signal) => process.kill(signal),
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

/** A `selvage worker` that is ready. */
export interface RunningWorker extends Running {
  /** The one line it has printed. */
  readonly ready: Readonly<Record<string, string>>;
  readonly address: string;
}

/** Starts `selvage worker ARGS` and waits until it is ready. */
export async function startWorker(
  args: readonly string[],
  options: CommandOptions = {},
): Promise<RunningWorker> {
  const worker = start(["worker", ...args], options);
  const line = await worker.first;
  if (line === undefined) throw new Error(`the worker is not ready: ${(await worker.ended).err}`);
  const ready = JSON.parse(line);
  return { ...worker, ready, address: ready.address };
}

function textOf({ entries }: Journal<string>): string {
  return entries.map((line) => `${line}\n`).join("");
}
