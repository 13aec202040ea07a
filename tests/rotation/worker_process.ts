import type { SelvageEvent } from "../../src/observe/mod.ts";
import { lines } from "../e2e/lines.ts";
import { Told } from "./told.ts";
import { ALLOWED } from "./versions.ts";
import type { CredentialPaths } from "./ways.ts";

const MAIN = new URL("../../src/cli/main.ts", import.meta.url).href;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;
const ROUTINES = new URL("./routines.ts", import.meta.url).pathname;

/** A `selvage worker` that watches files, with everything its log tells. */
export class WorkerProcess implements AsyncDisposable {
  /** What its log has told. */
  readonly told: Told;
  /** Its address, once it takes calls. */
  readonly address: Promise<string>;
  readonly #process: Deno.ChildProcess;

  private constructor(process: Deno.ChildProcess) {
    this.#process = process;
    this.told = new Told(loggedEvents(process.stderr));
    this.address = readyAddress(process.stdout);
  }

  /** Starts one over mutual TLS, or with `flags` over something else. */
  static start(
    paths: CredentialPaths,
    flags: readonly string[] = ["--ca", paths.ca, "--allow", ALLOWED],
  ): WorkerProcess {
    const { cert, key } = paths;
    const files = ["--cert", cert, "--key", key, ...flags];
    const process = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--no-prompt", "--quiet", "--config", CONFIG, "-A", MAIN],
        ...["worker", ROUTINES, "--log-level", "debug", ...files],
      ],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    return new WorkerProcess(process);
  }

  /** Drains it; what it is at finishes. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGTERM");
    await this.#process.status;
  }
}

async function readyAddress(stdout: ReadableStream<Uint8Array>): Promise<string> {
  const printed = lines(stdout);
  const { value } = await printed.next();
  if (value === undefined) throw new Error("the worker did not become ready");
  // Read on, so that the process is never held up by what it prints.
  (async () => {
    for await (const _line of printed);
  })();
  return JSON.parse(value).address;
}

/** The events in a log of JSON lines. */
export async function* loggedEvents(
  stderr: ReadableStream<Uint8Array>,
): AsyncGenerator<SelvageEvent> {
  for await (const line of lines(stderr)) {
    if (!line.startsWith("{")) {
      console.error(line);
      continue;
    }
    const { properties } = JSON.parse(line);
    if (typeof properties?.type === "string") yield properties;
  }
}
