import { Journal } from "../support/journal.ts";
import { TestProcess } from "../support/test_process.ts";

const ROUTINES = new URL("./routines.ts", import.meta.url).pathname;

/** What a slot's processes have reported. */
export type Seen =
  /** A process takes calls that was started after so many changes of the files. */
  | { readonly kind: "ready"; readonly changes: number }
  | { readonly kind: "credentials"; readonly fingerprint: string }
  | { readonly kind: "denylist"; readonly entries: number };

/** A place of the fleet: one worker process after the other. */
export class WorkerSlot implements AsyncDisposable {
  /** The addresses of processes that were killed. */
  readonly killed: Set<string> = new Set();
  /** Exit codes of processes that were drained, other than 0. */
  readonly badEnds: number[] = [];
  readonly #flags: readonly string[];
  readonly #env: Readonly<Record<string, string>>;
  readonly #seen = new Journal<Seen>();
  #process: TestProcess | undefined;
  #address: string | undefined;

  constructor(flags: readonly string[], env: Readonly<Record<string, string>>) {
    this.#flags = flags;
    this.#env = env;
  }

  /** Where its process takes calls. */
  get address(): string | undefined {
    return this.#address;
  }

  /** Starts a process, and waits until it takes calls; the files do not change meanwhile. */
  async start(changes: number): Promise<void> {
    const ready = Promise.withResolvers<string>();
    ready.promise.catch(() => {});
    const process = TestProcess.selvage([
      ...["worker", ROUTINES, "--listen", "127.0.0.1:0", "--strict", "--log-level", "debug"],
      ...this.#flags,
    ], {
      env: this.#env,
      onLine: ready.resolve,
      onErrorLine: (line) => this.#logged(line),
    });
    this.#process = process;
    process.ended.finally(() => ready.reject(new Error("the worker did not become ready")));
    this.#address = JSON.parse(await ready.promise).address;
    this.#seen.add({ kind: "ready", changes });
  }

  /** Ends its process: drained, or without a word. */
  async end(how: "drained" | "killed"): Promise<void> {
    const [process, address] = [this.#process, this.#address];
    if (process === undefined || address === undefined) return;
    this.#process = this.#address = undefined;
    if (how === "killed") this.killed.add(address);
    const { code } = await process.end(how === "drained" ? "SIGTERM" : "SIGKILL");
    if (how === "drained" && code !== 0) this.badEnds.push(code);
  }

  /** Resolves once a process has reported what is wanted, or was started after that change. */
  async uses(change: number, wanted: (seen: Seen) => boolean): Promise<void> {
    await this.#seen.until((seen) =>
      wanted(seen) || seen.kind === "ready" && seen.changes >= change
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process?.end();
    this.#seen.end();
  }

  #logged(line: string): void {
    if (!line.startsWith("{")) return console.error(line);
    const { properties: event } = JSON.parse(line);
    if (event?.type === "credentials.rotated") {
      this.#seen.add({ kind: "credentials", fingerprint: event.certificate.fingerprint });
    } else if (event?.type === "denylist.changed") {
      this.#seen.add({ kind: "denylist", entries: event.entries });
    }
  }
}
