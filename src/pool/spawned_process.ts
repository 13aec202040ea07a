import type { DiscoveredWorker } from "../discovery/mod.ts";
import { ConfigurationError, WorkerUnavailable } from "../errors/mod.ts";
import { systemClock, type UnstampedEvent } from "../observe/mod.ts";
import {
  type FromChild,
  type HandedCredentials,
  lineOf,
  readFromChild,
  type ToChild,
} from "./handover.ts";
import { LONGEST_LINE, readLines } from "./line_reader.ts";
import { allowedToRun } from "./deno_setup.ts";
import type { SpawnCommand } from "./spawn_command.ts";
import type { Child, ChildExit, ReadyChild } from "./supervisor.ts";

/** What a {@linkcode SpawnedProcess} is given. */
export interface SpawnedProcessOptions {
  readonly command: SpawnCommand;
  /** What it serves, as whom, and to whom. */
  readonly begin: ToChild & { readonly kind: "begin" };
  /** How long it may take to become ready, in milliseconds. */
  readonly startTimeoutMs: number;
  /** Called with what the worker reports of itself. */
  readonly onEvent: (event: UnstampedEvent) => void;
}

/** Beyond the grace that a child was given to finish its calls, it has this long to exit. */
const EXIT_MS = 2_000;

/** How long after its end what it wrote last is read, in milliseconds. */
const LAST_WORDS_MS = 1_000;

/** One child process: its pipes, its readiness and its end. */
export class SpawnedProcess implements Child {
  readonly name: string;
  readonly ready: Promise<ReadyChild>;
  readonly exited: Promise<ChildExit>;
  readonly #options: SpawnedProcessOptions;
  readonly #process: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #readiness = Promise.withResolvers<ReadyChild>();
  readonly #encoder = new TextEncoder();
  /** Resolves when its output has been read to the end, which processes that it has started may put off. */
  readonly #heardAll: Promise<void>;
  #ping = { number: 0, answered: () => {} };
  /** Those who wait until the credentials last handed in are in use. */
  #renewals: (() => void)[] = [];

  constructor(options: SpawnedProcessOptions) {
    this.#options = options;
    this.name = options.begin.id;
    const { path, args, env } = options.command;
    const command = new Deno.Command(path, {
      args: [...args],
      clearEnv: true,
      env: { ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    });
    this.#process = allowedToRun(() => command.spawn());
    this.#input = this.#process.stdin.getWriter();
    this.#input.closed.catch(() => {}); // a child that ends closes its input; `exited` reports it
    this.exited = this.#exit();
    this.#heardAll = this.#listen();
    this.ready = this.#becomeReady();
    this.ready.catch(() => {});
    this.#send(options.begin);
  }

  /** Nothing is written where it has ended. */
  #send(message: ToChild): void {
    this.#input.write(this.#encoder.encode(lineOf(message))).catch(() => {});
  }

  /** Hands it new credentials; resolves when it uses them, cannot, or has ended. */
  async renew(credentials: HandedCredentials): Promise<void> {
    const settled = new Promise<void>((resolve) => this.#renewals.push(resolve));
    this.#send({ kind: "credentials", for: "worker", credentials });
    await Promise.race([settled, this.exited]);
  }

  /** Hands it new credentials for the calls of its routines. */
  renewDispatcher(credentials: HandedCredentials): void {
    this.#send({ kind: "credentials", for: "dispatcher", credentials });
  }

  /** Says which workers its routines can call. */
  sendSiblings(workers: readonly DiscoveredWorker[]): void {
    this.#send({ kind: "siblings", workers });
  }

  async stop(graceMs: number): Promise<void> {
    this.#send({ kind: "drain", graceMs });
    using _kill = systemClock.schedule(() => this.#kill("SIGKILL"), graceMs + EXIT_MS);
    await this.exited;
  }

  /** Sends a ping; fulfilled with its answer, pending for ever where the child gives none. */
  ping(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ping = { number: this.#ping.number + 1, answered: resolve };
    this.#send({ kind: "ping", ping: this.#ping.number });
    return promise;
  }

  /** Ends the process: SIGTERM first, which a blocked or stopped one ignores, then SIGKILL. */
  terminate(): void {
    this.#kill("SIGTERM");
    const kill = systemClock.schedule(() => this.#kill("SIGKILL"), EXIT_MS);
    this.exited.then(() => kill[Symbol.dispose]());
  }

  async #becomeReady(): Promise<ReadyChild> {
    const { startTimeoutMs } = this.#options;
    using _late = systemClock.schedule(() => {
      this.#readiness.reject(this.#failed(`it was not ready within ${startTimeoutMs} ms`));
      this.#kill("SIGKILL");
    }, startTimeoutMs);
    this.exited.then(async ({ code, signal }) => {
      const how = signal ?? `code ${code}`;
      // It may have said why, and the end of a process is noticed before what it wrote last is read.
      const { promise: waited, resolve } = Promise.withResolvers<void>();
      using _enough = systemClock.schedule(resolve, LAST_WORDS_MS);
      await Promise.race([this.#heardAll, waited]);
      this.#readiness.reject(
        this.#failed(
          `its process ended with ${how} before it was ready; its own words are on ` +
            "stderr, and spawn.config says which deno.json it resolves its modules by",
        ),
      );
    });
    return await this.#readiness.promise;
  }

  async #exit(): Promise<ChildExit> {
    const { code, signal } = await this.#process.status;
    this.#input.abort().catch(() => {}); // already closed by the child's end
    return signal === null ? { code } : { code, signal };
  }

  /** What is no message of ours is a routine's own output; it goes where ours goes. */
  async #listen(): Promise<void> {
    for await (const line of readLines(this.#process.stdout, LONGEST_LINE)) {
      const message = readFromChild(line);
      if (message === undefined || !this.#isHeard(message)) console.error(line);
    }
  }

  /** Whether it could be taken for what it seems: a routine may print what looks like a message of ours. */
  #isHeard(message: FromChild): boolean {
    try {
      this.#hear(message);
      return true;
    } catch {
      return false;
    }
  }

  #hear(message: FromChild): void {
    const { id, identity } = this.#options.begin;
    if (message.event === "worker.ready") {
      this.#readiness.resolve({ id, address: message.address, identity });
    } else if (message.event === "worker.emitted") {
      if (settlesRenewal(message.emitted, identity)) {
        for (const resolve of this.#renewals.splice(0)) resolve();
      }
      this.#options.onEvent(message.emitted);
    } else if (message.event === "worker.alive") {
      if (message.ping === this.#ping.number) this.#ping.answered();
    } else if (message.name === "ConfigurationError") {
      this.#readiness.reject(
        new ConfigurationError(`worker ${id} cannot start: ${message.message}`),
      );
    } else {
      this.#readiness.reject(this.#failed(`${message.name}: ${message.message}`));
    }
  }

  #failed(what: string): WorkerUnavailable {
    const { id } = this.#options.begin;
    return new WorkerUnavailable(`worker ${id} cannot start: ${what}`, {
      worker: { address: `spawned:${id}`, id },
      notBegun: true,
    });
  }

  #kill(signal: Deno.Signal): void {
    try {
      this.#process.kill(signal);
    } catch {
      // It has ended meanwhile, which is what was wanted.
    }
  }
}

/** Whether the worker's own credentials, not its dispatcher's, are renewed, or cannot be. */
function settlesRenewal(event: UnstampedEvent, identity: string): boolean {
  return event.type === "credentials.rejected" ||
    (event.type === "credentials.rotated" && event.identities.includes(identity));
}
