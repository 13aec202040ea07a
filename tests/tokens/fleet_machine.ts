import type { CredentialPem } from "../../src/credentials/mod.ts";
import type { EventType } from "../../src/observe/mod.ts";
import type { WorkerServerOptions } from "../../src/worker/mod.ts";
import { Journal } from "../support/journal.ts";
import { TestProcess } from "../support/test_process.ts";

/** How a worker is served. */
export interface ServeSettings {
  /** Its certificate, and whom it trusts. Default: plaintext. */
  readonly pem?: CredentialPem;
  readonly options?: Omit<WorkerServerOptions, "credentials" | "services" | "routines">;
}

/** What a machine is to do. */
export interface MachineCommand {
  readonly id: number;
  readonly serve?: ServeSettings;
  /** The address of the worker that is to drain. */
  readonly drain?: string;
}

/** What a machine reports. */
export interface MachineReport {
  /** The command that was done. */
  readonly done?: number;
  readonly address?: string | undefined;
  /** The connections in plaintext to its workers. */
  readonly plaintext?: number;
  /** An event of the worker at `address`. */
  readonly event?: EventType;
}

/** A process that serves workers, as a machine does while it is brought from one release to the next. */
export class Machine implements AsyncDisposable {
  readonly #process: TestProcess;
  readonly #reports = new Journal<MachineReport>();
  #commands = 0;

  /** Starts it. */
  constructor() {
    this.#process = TestProcess.module(new URL("./fleet_machine_main.ts", import.meta.url).href, {
      input: true,
      onLine: (line) => this.#reports.add(JSON.parse(line)),
    });
    this.#process.ended.finally(() => this.#reports.end());
  }

  /** Serves a worker. @returns Its address. */
  async serve(serve: ServeSettings): Promise<string> {
    return (await this.#send({ serve })).address!;
  }

  /** Drains the worker at an address. */
  async drain(address: string): Promise<void> {
    await this.#send({ drain: address });
  }

  /** How many callers its workers have in plaintext. */
  async plaintextCallers(): Promise<number> {
    return (await this.#send({})).plaintext!;
  }

  /** Waits for the `count`th event of that type of the worker at an address. */
  async event(address: string, type: EventType, count: number): Promise<void> {
    await this.#reports.until((one) => one.event === type && one.address === address, count);
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.closeInput();
    await this.#process.ended;
  }

  async #send(command: Omit<MachineCommand, "id">): Promise<MachineReport> {
    const id = ++this.#commands;
    await this.#process.write({ id, ...command });
    return await this.#reports.until(({ done }) => done === id);
  }
}
