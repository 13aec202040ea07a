/** Running the command as a script does, for its tests. */

const MAIN = new URL("../../src/cli/main.ts", import.meta.url).href;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

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
  const { input } = options;
  const { code, stdout, stderr } =
    await (input === undefined
      ? command(args, options).output()
      : outputOf(command(args, options, "piped").spawn(), input));
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
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
export function start(args: readonly string[], options: CommandOptions = {}): Running {
  const child = command(args, options).spawn();
  const out = new Lines(child.stdout);
  const err = new Lines(child.stderr);
  const ended = (async () => {
    const { code } = await child.status;
    return { code, out: await out.all, err: await err.all };
  })();
  let running = true;
  ended.then(() => running = false);
  return {
    first: out.first,
    ended,
    logged: (text) => err.said(text),
    kill: (signal) => child.kill(signal),
    async [Symbol.asyncDispose]() {
      if (running) child.kill("SIGKILL");
      await ended;
    },
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

/** Writes its input, as far as it is read, and waits for its end. */
async function outputOf(child: Deno.ChildProcess, input: string): Promise<Deno.CommandOutput> {
  const writer = child.stdin.getWriter();
  const written = writer.write(new TextEncoder().encode(input)).then(() => writer.close());
  // A command may end without reading all of it.
  const [output] = await Promise.all([child.output(), written.catch(() => {})]);
  return output;
}

function command(
  args: readonly string[],
  options: CommandOptions,
  stdin: "null" | "piped" = "null",
): Deno.Command {
  const { env = {}, permissions = ["-A"] } = options;
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--quiet", "--config", CONFIG, ...permissions, MAIN, ...args],
    env: { NO_COLOR: "1", ...env },
    stdin,
    stdout: "piped",
    stderr: "piped",
  });
}

/** Everything that a stream says, and its first line as soon as it is there. */
class Lines {
  readonly first: Promise<string | undefined>;
  readonly all: Promise<string>;
  readonly #waiting = new Map<string, () => void>();
  #text = "";

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    const first = Promise.withResolvers<string | undefined>();
    this.first = first.promise;
    this.all = (async () => {
      for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
        this.#text += chunk;
        if (this.#text.includes("\n")) first.resolve(this.#text.slice(0, this.#text.indexOf("\n")));
        for (const [text, heard] of this.#waiting) if (this.#text.includes(text)) heard();
      }
      first.resolve(undefined);
      return this.#text;
    })();
  }

  /** Waits until some text is among it. */
  said(text: string): Promise<void> {
    if (this.#text.includes(text)) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.set(text, resolve));
  }
}
