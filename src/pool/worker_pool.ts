import {
  FleetCaller,
  type OpenedDispatcher,
  openParts,
  type WorkerSource,
} from "../dispatch/mod.ts";
import { DeadlineExceeded, unusable } from "../errors/mod.ts";
import { ErrorCode } from "../http2/mod.ts";
import { EventHub, Metrics, PrometheusMetrics, systemClock } from "../observe/mod.ts";
import { requireDeno } from "../platform/mod.ts";
import { refuseDuringModuleLoad } from "../worker/mod.ts";
import { insistOnPoolNames } from "./option_names.ts";
import type { WorkerPoolOptions } from "./options.ts";
import { SpawnedWorkers } from "./spawned_workers.ts";
import { onAbort } from "../values/mod.ts";

/** How long to wait for new credentials to be in use. */
export interface RenewOptions {
  /** Ends the wait when it aborts; the wait throws its reason. Default: none. */
  readonly signal?: AbortSignal | undefined;
  /** How long to wait, in milliseconds. Default: 30,000. */
  readonly timeoutMs?: number | undefined;
}

/**
 * Workers that are spawned here, or discovered elsewhere, or both, called as one.
 *
 * Spawned workers end with this program, however it ends. On Linux with util-linux's `setpriv`, where
 * this program may run it, the kernel sees to that; elsewhere each worker notices by itself, once its
 * routines yield.
 */
export class WorkerPool extends FleetCaller {
  readonly #opened: OpenedDispatcher;
  readonly #spawned: SpawnedWorkers | undefined;
  readonly #hub: EventHub;
  #closing: Promise<void> | undefined;

  private constructor(
    opened: OpenedDispatcher,
    spawned: SpawnedWorkers | undefined,
    hub: EventHub,
  ) {
    super(opened);
    this.#opened = opened;
    this.#spawned = spawned;
    this.#hub = hub;
  }

  /**
   * Opens a pool. Resolves when its own workers take calls.
   *
   * @param options What to spawn, and where other workers are.
   * @throws {ConfigurationError} If an option cannot be used, or a module cannot be loaded; on
   * any runtime but Deno, where a `Dispatcher` is what runs; also
   * within the modules of a pool's worker while they load, where it would spawn without end.
   */
  static async open(options: WorkerPoolOptions): Promise<WorkerPool> {
    const elsewhere = requireDeno("WorkerPool");
    if (elsewhere !== undefined) throw unusable("runtime", elsewhere);
    refuseDuringModuleLoad("WorkerPool.open");
    insistOnPoolNames(options);
    const { discovery, spawn = discovery === undefined ? {} : undefined } = options;
    const id = crypto.randomUUID();
    await using opening = new AsyncDisposableStack();
    const kept = options.admin === undefined ? undefined : new PrometheusMetrics();
    const hub = opening.use(
      new EventHub(id, kept === undefined ? {} : { metrics: Metrics.besides(kept) }),
    );
    const spawned = spawn === undefined
      ? undefined
      : opening.use(await SpawnedWorkers.start(spawn, id, hub.as(id)));
    const sources = [spawned?.source, discoveredSource(options)]
      .filter((source) => source !== undefined);
    const opened = await openParts(sources, options, {
      id,
      hub,
      kept,
      spawned: spawned?.source,
    });
    opening.defer(() => opened.close(ErrorCode.NO_ERROR));
    if (spawned !== undefined) spawned.callsAt = (workerId) => opened.fleet.callsAt(workerId);
    await spawned?.started();
    opening.move();
    return new WorkerPool(opened, spawned, hub);
  }

  /**
   * Changes how many workers the pool spawns. Workers that are too many take no more calls at once, and
   * finish those in flight within `spawn.drainGraceMs`.
   *
   * @param count How many there are to be, at least one.
   * @returns Settled when new workers take calls, and the others have ended.
   * @throws {ConfigurationError} If the pool spawns no workers, or that is no such number.
   * @throws {SelvageError} If no new worker could be started; the pool goes on trying.
   */
  async resize(count: number): Promise<void> {
    if (this.#spawned === undefined) {
      throw unusable("resize", "a pool without spawn has no workers of its own to resize");
    }
    await this.#spawned.resize(count);
  }

  /**
   * Gives the pool and each of its spawned workers a new certificate now, as it does by itself at
   * two thirds of the lifetime. Nothing restarts; calls in flight finish on the connections they
   * are on.
   *
   * @param options How long to wait until every spawned worker uses its new certificate.
   * @throws {DeadlineExceeded} If one does not by then, because a routine keeps it from reading for
   * instance; it will.
   */
  async renewCredentials(options: RenewOptions = {}): Promise<void> {
    const { signal, timeoutMs = 30_000 } = options;
    signal?.throwIfAborted();
    const { promise: over, reject } = Promise.withResolvers<never>();
    using _abort = onAbort(signal, () => reject(signal?.reason));
    using _timer = systemClock.schedule(() => reject(new DeadlineExceeded(timeoutMs)), timeoutMs);
    await Promise.race([this.#spawned?.renew(), over]);
  }

  /** Lets calls at spawned workers finish within the grace, ends their processes, and disconnects. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    await this.#spawned?.[Symbol.asyncDispose]();
    await this.#opened.close(ErrorCode.NO_ERROR);
    this.#hub[Symbol.dispose]();
  }
}

/** The workers that others run are trusted by the operator's credentials, and by those only. */
function discoveredSource(options: WorkerPoolOptions): WorkerSource | undefined {
  const { discovery, credentials, identity, verdict, denylist, lease } = options;
  const trust = { credentials, identity, verdict, denylist, lease };
  if (discovery !== undefined) return { discovery, ...trust };
  const [stray] = Object.entries(trust).find(([, given]) => given !== undefined) ?? [];
  if (stray === undefined) return undefined;
  throw unusable(
    stray,
    `${stray} is for discovered workers, and there is no discovery; spawned ones have their own`,
  );
}
