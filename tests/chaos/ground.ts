import { runsIn } from "../storm/ledger.ts";
import { Trust, WORKER_ID } from "../e2e/trust.ts";
import { WorkerProcess } from "../e2e/worker_process.ts";
import { TwoMachines } from "../support/network_namespace.ts";
import { Caller } from "./caller.ts";

/** The machine of the caller and of a worker that is always reached. */
export const NEAR = 0;
/** The machine of the worker that gets into trouble. */
export const FAR = 1;

/** Where the worker on the machine of the caller is. */
export const NEAR_ADDRESS = "10.77.0.1:8443";

/** Two machines, a caller under load on one of them, and workers on both. */
export class Ground implements AsyncDisposable {
  readonly network = new TwoMachines();
  readonly trust = new Trust();
  readonly folder: string = Deno.makeTempDirSync({ prefix: "selvage-chaos-" });
  #caller: Caller | undefined;
  readonly #ledger = `${this.folder}/ledger`;
  readonly #workers: WorkerProcess[] = [];

  constructor() {
    Deno.writeTextFileSync(this.#ledger, "");
  }

  /** The caller, once there is one. */
  get caller(): Caller {
    if (this.#caller === undefined) throw new TypeError("no caller has been started");
    return this.#caller;
  }

  /** Says where workers are. */
  found(...addresses: string[]): void {
    // By rename, for the caller may read it now.
    Deno.writeTextFileSync(`${this.folder}/next.json`, JSON.stringify(addresses));
    Deno.renameSync(`${this.folder}/next.json`, `${this.folder}/workers.json`);
  }

  /** Starts a worker on one of the machines. */
  async worker(
    machine: 0 | 1,
    name: string,
    listen: string,
    identity: string = WORKER_ID,
  ): Promise<WorkerProcess> {
    const routines = new URL("./routines.ts", import.meta.url);
    routines.search = new URLSearchParams({ worker: name, ledger: this.#ledger }).toString();
    const worker = await WorkerProcess.start({
      pem: this.trust.worker(identity),
      options: { modules: [routines.href], listen, allow: "*" },
    }, (program, args) => this.network.on(machine, program, args));
    this.#workers.push(worker);
    return worker;
  }

  /** Starts the caller. Silence is noticed after eleven seconds, which no busy machine takes to answer a PING. */
  call(): Caller {
    return this.#caller = new Caller({
      discovery: `file:${this.folder}/workers.json`,
      pem: this.trust.clientPem(),
      identity: WORKER_ID,
      limits: {
        handshakeTimeoutMs: 3_000,
        longestBackoffMs: 1_000,
        http2: { keepaliveIdleMs: 1_000, keepaliveTimeoutMs: 10_000 },
      },
    }, (program, args) => this.network.on(NEAR, program, args));
  }

  /**
   * Lets the caller finish. What contradicts "each call ends, none runs twice unless it may, and only those at a worker
   * that was out of reach fail", in sentences.
   *
   * @param troubled The addresses of workers that were out of reach.
   */
  async contradictions(...troubled: string[]): Promise<readonly string[]> {
    const code = await this.caller.end();
    const wrong = code === 0 ? [] : [`the caller ended with code ${code}`];
    const runs = runsIn(Deno.readTextFileSync(this.#ledger));
    for (const [name, count] of runs) {
      if (count > 1 && name.startsWith("once-")) wrong.push(`${name} ran ${count} times`);
    }
    for (const report of this.caller.reports) {
      if ("answered" in report && !runs.has(report.answered)) {
        wrong.push(`${report.answered} was answered and never ran`);
      }
      if ("failed" in report) {
        const { failed, error, lost } = report;
        const may = failed.startsWith("once-") && lost !== undefined && troubled.includes(lost);
        if (!may) wrong.push(`${failed} failed: ${error}`);
      }
    }
    return wrong;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#caller?.[Symbol.asyncDispose]();
    for (const worker of this.#workers) worker.kill();
    await Promise.all(this.#workers.map(({ ended }) => ended));
    this.network[Symbol.dispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}
