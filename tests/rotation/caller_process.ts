import type { CredentialFiles } from "../../src/credentials/mod.ts";
import type { SelvageEvent } from "../../src/observe/mod.ts";
import { lines } from "../support/lines.ts";
import { Told } from "./told.ts";

const CONFIG = new URL("../../deno.json", import.meta.url).pathname;
const CALLER = new URL("./caller_main.ts", import.meta.url).href;

/** What a dispatcher process is started with; plain values. */
export interface CallerSettings {
  readonly address: string;
  readonly files: CredentialFiles;
  readonly identity: string;
}

/** What a dispatcher process tells, one of these a line. */
export interface CallerReport {
  readonly event?: SelvageEvent;
  /** Its long calls are under way. */
  readonly begun?: true;
  /** Every call is over, none has failed, and so many there were. */
  readonly calls?: number;
}

/** A dispatcher in a process of its own, under load. */
export class CallerProcess implements AsyncDisposable {
  /** What it has told. */
  readonly told: Told;
  readonly #process: Deno.ChildProcess;
  readonly #begun = Promise.withResolvers<void>();
  #calls = 0;

  /** Starts one. */
  constructor(settings: CallerSettings) {
    this.#process = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--no-prompt", "--quiet", "--config", CONFIG, "-A", CALLER],
        JSON.stringify(settings),
      ],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.told = new Told(this.#read());
  }

  /** Resolves once its long calls are under way. */
  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  /** Lets it finish its calls; tells how many there were, where not one has failed. */
  async end(): Promise<number> {
    await this.#process.stdin.close();
    const { code } = await this.#process.status;
    if (code !== 0) throw new Error(`the dispatcher's process ended with code ${code}`);
    return this.#calls;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended already, as it should.
    }
    await this.#process.status;
  }

  async *#read(): AsyncGenerator<SelvageEvent> {
    for await (const line of lines(this.#process.stdout)) {
      const { event, begun, calls }: CallerReport = JSON.parse(line);
      if (event !== undefined) yield event;
      if (begun !== undefined) this.#begun.resolve();
      if (calls !== undefined) this.#calls = calls;
    }
    this.#begun.reject(new Error("the dispatcher's process has ended"));
  }
}
