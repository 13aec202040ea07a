const CONFIG = new URL("../../deno.json", import.meta.url).pathname;
const SELVAGE = new URL("../../src/cli/main.ts", import.meta.url).href;
const ROUTINES = new URL("./routines.ts", import.meta.url).pathname;

/** A `selvage worker` process that can be started again at the same port. */
export class SoakedWorker implements AsyncDisposable {
  /** Where it listens, from its first start on. */
  port = 0;
  readonly #flags: readonly string[];
  #process: Deno.ChildProcess | undefined;
  #printed: Promise<void> = Promise.resolve();

  /** @param flags Its credentials, and whom it allows. */
  constructor(flags: readonly string[]) {
    this.#flags = flags;
  }

  /** Starts it, and waits until it takes calls. */
  async start(): Promise<void> {
    const process = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--quiet",
        "--v8-flags=--expose-gc",
        "--config",
        CONFIG,
        SELVAGE,
        "worker",
        ROUTINES,
        "--listen",
        `127.0.0.1:${this.port}`,
        "--log-level",
        "error",
        "--drain-grace",
        "2s",
        ...this.#flags,
      ],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    this.#process = process;
    const ready = Promise.withResolvers<string>();
    this.#printed = (async () => {
      let text = "";
      for await (const chunk of process.stdout.pipeThrough(new TextDecoderStream())) {
        text += chunk;
        if (text.includes("\n")) ready.resolve(text);
      }
      ready.reject(new Error("the worker did not become ready"));
    })();
    ready.promise.catch(() => {});
    this.port = Number(JSON.parse(await ready.promise).address.split(":").at(-1));
  }

  /** Ends it: drained with SIGTERM, or without a word with SIGKILL. Gives its exit code. */
  async end(signal: "SIGTERM" | "SIGKILL"): Promise<number> {
    const process = this.#process;
    if (process === undefined) return 0;
    this.#process = undefined;
    process.kill(signal);
    const { code } = await process.status;
    await this.#printed;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGKILL");
  }
}
