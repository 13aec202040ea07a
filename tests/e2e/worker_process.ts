import type { CredentialPem } from "../../src/credentials/mod.ts";
import type { SelvageEvent } from "../../src/observe/mod.ts";
import type { WorkerServerOptions } from "../../src/worker/mod.ts";
import { lines } from "../support/lines.ts";

/** What a worker process is started with: plain values. */
export interface WorkerSettings {
  /** Its certificate and whom it trusts. Default: plaintext. */
  readonly pem?: CredentialPem;
  /** Whatever else; the modules are those of the tests. */
  readonly options?: Omit<WorkerServerOptions, "credentials" | "services" | "routines">;
  /** How many files it may have open. Default: as many as the tests. */
  readonly descriptors?: number;
}

/** What a worker process is told to do. */
export interface WorkerCommand {
  /** Takes on new credentials. */
  readonly renew?: CredentialPem;
  /** Drains, within so many milliseconds. */
  readonly drain?: number;
}

/** What a worker process tells. */
export interface WorkerReport {
  readonly ready?: {
    readonly address: string;
    readonly addresses: readonly string[];
    readonly id: string;
    readonly healthAddress: string | undefined;
  };
  readonly event?: SelvageEvent;
}

/** A worker in a process of its own; it ends with its disposal, by its process id. */
export class WorkerProcess implements AsyncDisposable {
  readonly address: string;
  readonly addresses: readonly string[];
  readonly id: string;
  readonly healthAddress: string | undefined;
  readonly #process: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<void>;
  readonly #events: SelvageEvent[] = [];
  #told = Promise.withResolvers<void>();

  private constructor(
    process: Deno.ChildProcess,
    input: WritableStreamDefaultWriter<Uint8Array>,
    reports: AsyncGenerator<WorkerReport>,
    ready: NonNullable<WorkerReport["ready"]>,
  ) {
    this.#process = process;
    this.#input = input;
    this.address = ready.address;
    this.addresses = ready.addresses;
    this.id = ready.id;
    this.healthAddress = ready.healthAddress;
    this.#reading = this.#read(reports);
  }

  /** Starts one, and waits until it takes calls. */
  static async start(settings: WorkerSettings = {}): Promise<WorkerProcess> {
    const run = [Deno.execPath(), "run", "-A", new URL("./worker_main.ts", import.meta.url).href];
    const { descriptors = "unlimited" } = settings;
    const limited = descriptors === "unlimited" ? "" : `ulimit -n ${descriptors}; `;
    const process = new Deno.Command("/bin/sh", {
      args: ["-c", `${limited}exec "$0" "$@"`, ...run],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const input = process.stdin.getWriter();
    await input.write(encoded(settings));
    const reports = parsed(process.stdout);
    const { value } = await reports.next();
    if (value?.ready === undefined) throw new Error("the worker did not become ready");
    return new WorkerProcess(process, input, reports, value.ready);
  }

  /** Every event it has told, and waits for one that is wanted. */
  async event(wanted: (event: SelvageEvent) => boolean): Promise<SelvageEvent> {
    for (;;) {
      const found = this.#events.find(wanted);
      if (found !== undefined) return found;
      await this.#told.promise;
    }
  }

  /** The events it has told up to now. */
  get events(): readonly SelvageEvent[] {
    return this.#events;
  }

  /** Tells it to do something. */
  async tell(command: WorkerCommand): Promise<void> {
    await this.#input.write(encoded(command));
  }

  /** Ends it without a word. */
  kill(): void {
    this.#process.kill("SIGKILL");
  }

  /** The id of the process. */
  get pid(): number {
    return this.#process.pid;
  }

  /** When the process has ended. */
  get ended(): Promise<Deno.CommandStatus> {
    return this.#process.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close().catch(() => {});
    await this.#process.status;
    await this.#reading;
  }

  async #read(reports: AsyncGenerator<WorkerReport>): Promise<void> {
    for await (const { event } of reports) {
      if (event === undefined) continue;
      this.#events.push(event);
      this.#told.resolve();
      this.#told = Promise.withResolvers();
    }
  }
}

function encoded(message: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(message) + "\n");
}

async function* parsed(stream: ReadableStream<Uint8Array>): AsyncGenerator<WorkerReport> {
  for await (const line of lines(stream)) yield JSON.parse(line);
}
