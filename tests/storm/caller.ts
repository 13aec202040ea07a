import type { CredentialFiles } from "../../src/credentials/mod.ts";
import { Journal } from "../support/journal.ts";
import { TestProcess } from "../support/test_process.ts";
import type { Ending } from "./call_kinds.ts";
import { type Held, kept } from "./held.ts";

const MAIN = new URL("./caller_main.ts", import.meta.url).href;

/**
 * What the workers hold of a caller: it is allowed everywhere, denied everywhere, or that is changing.
 */
export type Phase = "allowed" | "changing" | "denied";

/** What a dispatcher process is started with; plain values. */
export interface CallerSettings {
  /** Begins the names of its calls. */
  readonly name: string;
  readonly discovery: string;
  /** How many workers there are when it starts. */
  readonly workers: number;
  readonly files: CredentialFiles;
  readonly identity: string;
}

/** A call that is over. */
export type CallRecord = Ending & {
  readonly name: string;
  /** The phase in which it began and ended. */
  readonly phase: Phase;
};

/** What a dispatcher process reports, one of these a line. */
export interface CallerReport {
  readonly call?: CallRecord;
  /** The fingerprint of the certificate that it uses now. */
  readonly adopted?: string;
  /** Calls that begin from now on are of this phase. */
  readonly phase?: Phase;
  /** At the end: the calls that the dispatcher still counts. */
  readonly inFlight?: number;
  /** What it held before it opened its dispatcher, and after it closed that. */
  readonly before?: Held;
  readonly after?: Held;
}

/** A dispatcher in a process of its own, under load. */
export class StormCaller implements AsyncDisposable {
  readonly name: string;
  /** The calls that are over. */
  readonly calls: CallRecord[] = [];
  readonly #process: TestProcess;
  readonly #reports = new Journal<CallerReport>();

  /** Starts one. */
  constructor(settings: CallerSettings) {
    this.name = settings.name;
    this.#process = TestProcess.module(MAIN, {
      args: [JSON.stringify(settings)],
      input: true,
      onLine: (line) => this.#read(JSON.parse(line)),
    });
    this.#process.ended.finally(() => this.#reports.end());
  }

  /** Resolves once it uses the certificate with this fingerprint. */
  async adopted(fingerprint: string): Promise<void> {
    await this.#reports.until(({ adopted }) => adopted === fingerprint);
  }

  /** Calls begin in this phase from now on. */
  async enter(phase: Phase): Promise<void> {
    const before = this.#reports.entries.filter((one) => one.phase !== undefined).length;
    await this.#process.write({ phase });
    await this.#reports.until((one) => one.phase !== undefined, before + 1);
  }

  /** Resolves once `count` more calls are over that were made in this phase. */
  async callsOn(phase: Phase, count: number): Promise<void> {
    const isOne = ({ call }: CallerReport) => call?.phase === phase;
    const before = this.#reports.entries.filter(isOne).length;
    await this.#reports.until(isOne, before + count);
  }

  /** Lets it finish its calls. @returns What it held in the end that it should not, in sentences. */
  async end(): Promise<readonly string[]> {
    await this.#process.closeInput();
    const { code } = await this.#process.ended;
    const last = this.#reports.entries.at(-1);
    if (code !== 0 || last?.before === undefined || last.after === undefined) {
      return [`dispatcher ${this.name} ended with code ${code}`];
    }
    return [
      ...(last.inFlight === 0 ? [] : [`dispatcher ${this.name} counts ${last.inFlight} calls`]),
      ...kept(`dispatcher ${this.name}`, last.before, last.after),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.end();
  }

  #read(report: CallerReport): void {
    if (report.call !== undefined) this.calls.push(report.call);
    this.#reports.add(report);
  }
}
