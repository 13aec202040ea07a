import { fileURLToPath } from "node:url";
import { endingWithParent } from "../../src/pool/parent_death_signal.ts";
import { lines } from "./lines.ts";

/** How a process is started. */
export interface TestProcessOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The folder that it runs in. Default: our own. */
  readonly cwd?: string;
  /** The user and group that it runs as. Default: our own. */
  readonly user?: number;
  /** Whether it is written to. Default: it has no standard input. */
  readonly input?: boolean;
  /** Takes each line of its standard output. Default: they are dropped. */
  readonly onLine?: (line: string) => void;
  /** Takes each line of its standard error. Default: it is that of the tests. */
  readonly onErrorLine?: (line: string) => void;
}

/** How a process ended. */
export interface ProcessEnd {
  readonly code: number;
  /** What ended it, where a signal did. */
  readonly signal: Deno.Signal | null;
}

/** Lines that are kept of a program that is not ready yet. */
const KEPT_LINES = 50;
const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));
const SELVAGE = new URL("../../src/cli/main.ts", import.meta.url).href;

/** A program in a process of its own, which is read to its end, and ended by its process id. */
export class TestProcess implements AsyncDisposable {
  /** Resolves once it has ended and everything that it wrote has been read. */
  readonly ended: Promise<ProcessEnd>;
  readonly #process: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array> | undefined;
  #running = true;

  /** Starts it. */
  constructor(program: string, options: TestProcessOptions = {}) {
    const { args = [], env = {}, cwd, user, input = false, onLine = () => {}, onErrorLine } =
      options;
    const process = new Deno.Command(program, {
      args: [...args],
      env: { NO_COLOR: "1", ...env },
      ...(cwd === undefined ? {} : { cwd }),
      ...(user === undefined ? {} : { uid: user, gid: user }),
      stdin: input ? "piped" : "null",
      stdout: "piped",
      stderr: onErrorLine === undefined ? "inherit" : "piped",
    }).spawn();
    this.#process = process;
    this.#input = input ? process.stdin.getWriter() : undefined;
    const read = [each(process.stdout, onLine)];
    if (onErrorLine !== undefined) read.push(each(process.stderr, onErrorLine));
    this.ended = this.#end(Promise.all(read));
    this.ended.catch(() => {});
  }

  /** Starts a module of the project under this Deno with these flags of `deno run`, besides `-A`. */
  static module(
    module: string,
    { flags = [], args = [], ...options }: TestProcessOptions & ModuleOptions = {},
  ): TestProcess {
    return new TestProcess(Deno.execPath(), { ...options, args: [...run(flags), module, ...args] });
  }

  /** Starts `selvage ARGS`. */
  static selvage(
    args: readonly string[],
    options: Omit<TestProcessOptions, "args"> & ModuleOptions = {},
  ): TestProcess {
    return TestProcess.module(SELVAGE, { ...options, args });
  }

  /** Starts a module which ends with this process, however that ends. */
  static async endingWithParent(
    module: string,
    { flags = [], args = [], ...options }: TestProcessOptions & ModuleOptions = {},
  ): Promise<TestProcess> {
    const { path, args: before } = await endingWithParent(Deno.execPath());
    return new TestProcess(path, { ...options, args: [...before, ...run(flags), module, ...args] });
  }

  /**
   * Starts a program of another project, and waits until a line that it writes says that it is ready.
   *
   * @param isReady Whether a line does.
   * @returns The process, and that line.
   * @throws {Error} With what it has written, where it ends before.
   */
  static async ready(
    program: string,
    isReady: (line: string) => boolean,
    options: Omit<TestProcessOptions, "onLine" | "onErrorLine"> = {},
  ): Promise<{ readonly process: TestProcess; readonly line: string }> {
    const { promise: ready, resolve, reject } = Promise.withResolvers<string>();
    const written: string[] = [];
    const onLine = (line: string) => {
      if (isReady(line)) resolve(line);
      if (written.length < KEPT_LINES) written.push(line);
    };
    const process = new TestProcess(program, { ...options, onLine, onErrorLine: onLine });
    process.ended.finally(() =>
      reject(new Error(`${program} ended before it was ready: ${written.join("\n")}`))
    ).catch(() => {});
    return { process, line: await ready };
  }

  /** The id of the process. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Writes a line of JSON; a process that has ended reads nothing. */
  async write(message: unknown): Promise<void> {
    await this.writeText(JSON.stringify(message) + "\n");
  }

  /** Writes a text. */
  async writeText(text: string): Promise<void> {
    await this.#input?.write(new TextEncoder().encode(text)).catch(() => {});
  }

  /** Writes no more. */
  async closeInput(): Promise<void> {
    await this.#input?.close().catch(() => {});
  }

  /** Sends it a signal; one that has ended gets none. */
  kill(signal: Deno.Signal = "SIGKILL"): void {
    if (!this.#running) return;
    try {
      this.#process.kill(signal);
    } catch {
      // It has ended meanwhile.
    }
  }

  /** Ends it with a signal. @returns How it ended. */
  async end(signal: Deno.Signal = "SIGKILL"): Promise<ProcessEnd> {
    this.kill(signal);
    return await this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  async #end(read: Promise<unknown>): Promise<ProcessEnd> {
    const { code, signal } = await this.#process.status;
    this.#running = false;
    await read;
    await this.#input?.abort().catch(() => {});
    return { code, signal };
  }
}

/** What a module is run with. */
export interface ModuleOptions {
  /** Flags of `deno run`. Default: `-A`. */
  readonly flags?: readonly string[];
}

function run(flags: readonly string[]): readonly string[] {
  const all = flags.length === 0 ? ["-A"] : flags;
  return ["run", "--no-prompt", "--quiet", "--config", CONFIG, ...all];
}

async function each(
  bytes: ReadableStream<Uint8Array>,
  onLine: (line: string) => void,
): Promise<void> {
  for await (const line of lines(bytes)) onLine(line);
}
