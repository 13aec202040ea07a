import { formatAddress, parseAddress } from "../channel/mod.ts";
import { insistOnKind, insistOnNames, type OptionNames } from "../errors/mod.ts";
import type { ChannelSecurity, EventStream } from "../observe/mod.ts";
import type { Rehearsal, RehearseOptions } from "../peer/mod.ts";
import type { WorkerServerOptions } from "./options.ts";
import type { WorkerPosture } from "./posture.ts";
import { type StartedWorker, startParts } from "./start.ts";
import { type WorkerPeer, workerPeers } from "./worker_peers.ts";
import { refuseDuringModuleLoad } from "./threads/module_load.ts";

/** How a worker is drained. */
export interface DrainOptions {
  /** How long calls in flight may go on, in milliseconds. Default: the worker's `drainGraceMs`. */
  readonly graceMs?: number | undefined;
}

const DRAIN_NAMES = { graceMs: true } satisfies OptionNames<DrainOptions>;

/** Serves routines, and any Connect service, to callers that are proven and allowed. */
export class WorkerServer implements AsyncDisposable {
  readonly #parts: StartedWorker;
  #draining: Promise<void> | undefined;

  private constructor(parts: StartedWorker) {
    this.#parts = parts;
  }

  /**
   * Starts a worker: it takes calls once this resolves.
   *
   * @param options What it serves, where, and to whom.
   * @throws {ConfigurationError} If an option cannot be used, a module cannot be loaded, or an
   * address cannot be listened on.
   * @throws The reason of `signal`, where it aborts before the worker takes calls.
   */
  static async start(options: WorkerServerOptions): Promise<WorkerServer> {
    refuseDuringModuleLoad("WorkerServer.start");
    return new WorkerServer(await startParts(options));
  }

  /** The worker's id. */
  get id(): string {
    return this.#parts.id;
  }

  /** The address that others reach it by: the advertised one, else the first it listens on. */
  get address(): string {
    return this.#parts.advertised;
  }

  /** Every address it listens on. */
  get addresses(): readonly string[] {
    return this.#parts.listeners.map(({ address }) => formatAddress(address));
  }

  /** Where health is served apart, where it is. */
  get healthAddress(): string | undefined {
    const { healthListener } = this.#parts;
    return healthListener === undefined ? undefined : formatAddress(healthListener.address);
  }

  /** How its first listener is protected. */
  get security(): ChannelSecurity {
    return this.#parts.security;
  }

  /** The URL that others reach it by; an address that has none is given as it is. */
  get url(): string {
    const { advertised, security } = this.#parts;
    if (parseAddress(advertised).kind !== "tcp") return advertised;
    return `${security === "plaintext" ? "http" : "https"}://${advertised}`;
  }

  /** Calls that it is at. */
  get inFlight(): number {
    return this.#parts.gate.inFlight;
  }

  /** What protects it: how it listens, who may connect, what calls must show, and what is open. */
  posture(): WorkerPosture {
    return this.#parts.posture();
  }

  /** Who is connected now, one entry a connection. */
  peers(): readonly WorkerPeer[] {
    return workerPeers(this.#parts.listeners);
  }

  /** What happens from now on; a reader that falls behind loses events, which are counted. */
  events(): EventStream {
    return this.#parts.hub.events();
  }

  /**
   * Says which of the clients that are connected would be refused, and why, if other credentials were
   * adopted: their chains are judged by the new authorities. Nothing is adopted. Whether clients would
   * accept the worker's new certificate only they can say: see `Dispatcher.rehearse`.
   *
   * @param options The credentials.
   * @throws {ConfigurationError} If the credentials could not be adopted.
   */
  rehearse(options: RehearseOptions): Promise<Rehearsal> {
    return this.#parts.rehearse(options);
  }

  /**
   * Takes no more calls, lets those in flight finish within the grace, and stops. A second call
   * joins the first.
   *
   * @throws {ConfigurationError} If there is no option of such a name, or the grace is no time; the worker goes on.
   */
  async drain(options: DrainOptions = {}): Promise<void> {
    insistOnNames("drain()", options, DRAIN_NAMES);
    const { graceMs = this.#parts.drainGraceMs } = options;
    const isTime = typeof graceMs === "number" && graceMs >= 0;
    insistOnKind("graceMs", graceMs, isTime, "a number of milliseconds, from 0 on");
    await (this.#draining ??= this.#parts.stop(graceMs));
  }

  /** Drains, with the worker's own grace. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.drain();
  }
}
