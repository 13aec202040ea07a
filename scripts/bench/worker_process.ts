import { createAuthority } from "../../src/credentials/mod.ts";
import { Credentials } from "../../mod.ts";
import { readLines } from "../../src/pool/line_reader.ts";

const WORKER = "spiffe://bench.local/worker";
const CALLER = "spiffe://bench.local/caller";
const LIFETIME_MS = 3_600_000;

/** A worker in a process of its own, as the command line starts it, with certificates made for it. */
export class WorkerProcess implements AsyncDisposable {
  /** Who the worker proves to be. */
  readonly identity = WORKER;
  /** Where it listens. */
  readonly address: string;
  /** The credentials it allows. */
  readonly callerCredentials: Credentials;
  /** Its process id. */
  readonly pid: number;
  readonly #process: Deno.ChildProcess;
  readonly #folder: string;

  private constructor(
    process: Deno.ChildProcess,
    folder: string,
    address: string,
    callerCredentials: Credentials,
  ) {
    this.#process = process;
    this.#folder = folder;
    this.address = address;
    this.callerCredentials = callerCredentials;
    this.pid = process.pid;
  }

  /**
   * Starts the worker and waits until it is ready.
   *
   * @param policy The text of its policy file. Default: it has none.
   */
  static async start(policy?: string): Promise<WorkerProcess> {
    const authority = createAuthority({ name: "bench", ttlMs: LIFETIME_MS });
    const worker = authority.issue({ name: "worker", spiffe: WORKER, ttlMs: LIFETIME_MS });
    const caller = authority.issue({ name: "caller", spiffe: CALLER, ttlMs: LIFETIME_MS });
    const folder = await Deno.makeTempDir({ prefix: "selvage-bench-" });
    await Deno.writeTextFile(`${folder}/ca.pem`, worker.caPem);
    await Deno.writeTextFile(`${folder}/worker.pem`, worker.certPem);
    await Deno.writeTextFile(`${folder}/worker.key`, worker.keyPem, { mode: 0o600 });
    if (policy !== undefined) await Deno.writeTextFile(`${folder}/policy.jsonc`, policy);
    const process = new Deno.Command(Deno.execPath(), {
      args: [
        ...workerArguments(folder),
        ...(policy === undefined ? [] : ["--policy", `${folder}/policy.jsonc`]),
      ],
      stdout: "piped",
    }).spawn();
    const address = await addressOf(process.stdout);
    const credentials = Credentials.fromPem({
      ca: caller.caPem,
      cert: caller.certPem,
      key: caller.keyPem,
    });
    return new WorkerProcess(process, folder, address, credentials);
  }

  /** Ends the worker. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGTERM");
    await this.#process.status;
    await Deno.remove(this.#folder, { recursive: true });
  }
}

function workerArguments(folder: string): string[] {
  const here = (path: string) => new URL(path, import.meta.url).href;
  return [
    ...["run", "-A", here("../../src/cli/main.ts"), "worker", here("./routines.ts")],
    ...["--ca", `${folder}/ca.pem`],
    ...["--cert", `${folder}/worker.pem`, "--key", `${folder}/worker.key`],
    // Room for 512 calls of one peer.
    ...["--allow", CALLER, "--listen", "127.0.0.1:0", "--concurrency", "1024"],
  ];
}

/** The address in the readiness line, the first line the worker prints. */
async function addressOf(stdout: ReadableStream<Uint8Array>): Promise<string> {
  for await (const line of readLines(stdout)) return JSON.parse(line).address;
  throw new Error("the worker ended before it was ready");
}
