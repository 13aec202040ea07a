import type { CredentialPem } from "../../src/credentials/mod.ts";
import type { SelvageEvent } from "../../src/observe/mod.ts";
import type { WorkerServerOptions } from "../../src/worker/mod.ts";
import { Journal } from "../support/journal.ts";
import { type ProcessEnd, TestProcess } from "../support/test_process.ts";

/** What a worker process is started with: plain values. */
export interface WorkerSettings {
  /** Its certificate and whom it trusts. Default: plaintext. */
  readonly pem?: CredentialPem;
  /** Whatever else; the modules are those of the tests. */
  readonly options?: Omit<WorkerServerOptions, "credentials" | "services" | "routines">;
  /** How many files it may have open. Default: as many as the tests. */
  readonly descriptors?: number;
}

/** What runs a program somewhere: a program, and its arguments. */
export type RunOn = (
  program: string,
  args: readonly string[],
) => readonly [program: string, args: readonly string[]];

const here: RunOn = (program, args) => [program, args];

/** What a worker process is to do. */
export interface WorkerCommand {
  /** Takes on new credentials. */
  readonly renew?: CredentialPem;
  /** Drains, within so many milliseconds. */
  readonly drain?: number;
}

/** What a worker process reports. */
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
  readonly #process: TestProcess;
  readonly #events: Journal<SelvageEvent>;

  private constructor(
    process: TestProcess,
    events: Journal<SelvageEvent>,
    ready: NonNullable<WorkerReport["ready"]>,
  ) {
    this.#process = process;
    this.#events = events;
    this.address = ready.address;
    this.addresses = ready.addresses;
    this.id = ready.id;
    this.healthAddress = ready.healthAddress;
  }

  /**
   * Starts one, and waits until it takes calls.
   *
   * @param on Where it runs: what runs a program there. Default: here.
   */
  static async start(settings: WorkerSettings = {}, on: RunOn = here): Promise<WorkerProcess> {
    const run = [Deno.execPath(), "run", "-A", new URL("./worker_main.ts", import.meta.url).href];
    const { descriptors = "unlimited" } = settings;
    const limited = descriptors === "unlimited" ? "" : `ulimit -n ${descriptors}; `;
    const events = new Journal<SelvageEvent>();
    const started = Promise.withResolvers<NonNullable<WorkerReport["ready"]>>();
    const [program, args] = on("/bin/sh", ["-c", `${limited}exec "$0" "$@"`, ...run]);
    const process = new TestProcess(program, {
      args,
      input: true,
      onLine: (line) => {
        const { ready, event }: WorkerReport = JSON.parse(line);
        if (ready !== undefined) started.resolve(ready);
        if (event !== undefined) events.add(event);
      },
    });
    process.ended.finally(() => {
      events.end();
      started.reject(new Error("the worker did not become ready"));
    });
    await process.write(settings);
    return new WorkerProcess(process, events, await started.promise);
  }

  /** Waits for an event that is wanted, among all it has emitted. */
  async event(wanted: (event: SelvageEvent) => boolean): Promise<SelvageEvent> {
    return await this.#events.until(wanted);
  }

  /** The events it has emitted up to now. */
  get events(): readonly SelvageEvent[] {
    return this.#events.entries;
  }

  /** Has it do something. */
  async tell(command: WorkerCommand): Promise<void> {
    await this.#process.write(command);
  }

  /** Ends it without a word. */
  kill(): void {
    this.#process.kill();
  }

  /** The id of the process. */
  get pid(): number {
    return this.#process.pid;
  }

  /** When the process has ended. */
  get ended(): Promise<ProcessEnd> {
    return this.#process.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.closeInput();
    await this.#process.ended;
  }
}
