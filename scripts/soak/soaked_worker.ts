import { fileURLToPath } from "node:url";
import type { SelvageEvent } from "../../src/observe/mod.ts";
import { readLines } from "../../src/pool/line_reader.ts";
import { EventCounts } from "./event_counts.ts";
import type { End } from "./renewal.ts";

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

/** `selvage worker` in a process of its own, with what its log reports. */
export class SoakedWorker implements AsyncDisposable {
  /** Where it takes calls. */
  readonly address: string;
  /** What its log has reported. */
  readonly events: EventCounts;
  readonly #process: Deno.ChildProcess;

  private constructor(process: Deno.ChildProcess, address: string, events: EventCounts) {
    this.#process = process;
    this.address = address;
    this.events = events;
  }

  /** Starts it, and waits until it takes calls of `caller` and nobody else. */
  static async start({ files }: End, caller: End): Promise<SoakedWorker> {
    const process = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--no-prompt", "--quiet", "--config", path("../../deno.json")],
        ...[path("../../src/cli/main.ts"), "worker", path("./routines.ts")],
        ...["--ca", files.ca, "--cert", files.cert, "--key", files.key, "--strict"],
        ...["--allow", caller.spiffe, "--log-level", "debug"],
      ],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const events = new EventCounts(logged(process.stderr));
    const { value: ready } = await readLines(process.stdout).next();
    if (ready === undefined) throw new Error("the worker did not become ready");
    return new SoakedWorker(process, JSON.parse(ready).address, events);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGTERM");
    await this.#process.status;
  }
}

/** The events in a log of JSON lines; what is no log is shown. */
async function* logged(stderr: ReadableStream<Uint8Array>): AsyncGenerator<SelvageEvent> {
  for await (const line of readLines(stderr)) {
    const event = line.startsWith("{") ? JSON.parse(line).properties : undefined;
    if (event?.type !== undefined) yield event;
    else console.error(line);
  }
}
