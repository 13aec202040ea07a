import { readLines } from "../../src/pool/line_reader.ts";
import type { WorkerSettings } from "./bench_worker.ts";

/** Workers in a process of their own. */
export class WorkerProcess implements AsyncDisposable {
  /** Where each listens. */
  readonly addresses: readonly string[];
  /** Its process id. */
  readonly pid: number;
  readonly #process: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;

  private constructor(
    process: Deno.ChildProcess,
    writer: WritableStreamDefaultWriter<Uint8Array>,
    addresses: readonly string[],
  ) {
    this.#process = process;
    this.#writer = writer;
    this.addresses = addresses;
    this.pid = process.pid;
  }

  /** Starts them and waits until they are ready. */
  static async start(settings: WorkerSettings): Promise<WorkerProcess> {
    const here = (path: string) => new URL(path, import.meta.url).pathname;
    const process = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--v8-flags=--expose-gc", "--config", here("../../deno.json")],
        here("./bench_worker.ts"),
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const writer = process.stdin.getWriter();
    await writer.write(new TextEncoder().encode(`${JSON.stringify(settings)}\n`));
    const { done, value } = await readLines(process.stdout)[Symbol.asyncIterator]().next();
    if (done) {
      await process.status;
      throw new Error("the worker ended before it was ready");
    }
    return new WorkerProcess(process, writer, JSON.parse(value));
  }

  /** Ends the process. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close().catch(() => {});
    await this.#process.status;
  }
}
