import type { Transport } from "@connectrpc/connect";
import type {
  ArgumentsOf,
  Caller,
  CallOptions,
  Client,
  DuplexArgumentsOf,
  DuplexRoutine,
  InputOf,
  ItemOf,
  ReadyOptions,
  ResultOf,
  Routine,
  RoutineFunction,
  Routines,
  Sendable,
  Source,
  WorkerSnapshot,
} from "../contract/mod.ts";
import { type Dispatcher, dispatcherOver, type WorkerSource } from "../dispatch/mod.ts";
import { ConfigurationError, DeadlineExceeded } from "../errors/mod.ts";
import { EventHub, type EventStream, type SelvageEvent, systemClock } from "../observe/mod.ts";
import { refuseDuringModuleLoad } from "../worker/mod.ts";
import type { WorkerPoolOptions } from "./options.ts";
import { SpawnedWorkers } from "./spawned_workers.ts";

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
export class WorkerPool implements Caller<Transport, SelvageEvent> {
  readonly #dispatcher: Dispatcher;
  readonly #spawned: SpawnedWorkers | undefined;
  readonly #hub: EventHub;
  #closing: Promise<void> | undefined;

  private constructor(
    dispatcher: Dispatcher,
    spawned: SpawnedWorkers | undefined,
    hub: EventHub,
  ) {
    this.#dispatcher = dispatcher;
    this.#spawned = spawned;
    this.#hub = hub;
  }

  /**
   * Opens a pool. Resolves when its own workers take calls.
   *
   * @param options What to spawn, and where other workers are.
   * @throws {ConfigurationError} If an option cannot be used, or a module cannot be loaded; also
   * within the modules of a pool's worker while they load, where it would spawn without end.
   */
  static async open(options: WorkerPoolOptions): Promise<WorkerPool> {
    refuseDuringModuleLoad("WorkerPool.open");
    const { spawn, discovery } = options;
    if (spawn === undefined && discovery === undefined) {
      throw new ConfigurationError("a pool needs spawn, discovery or both", { setting: "spawn" });
    }
    const id = crypto.randomUUID();
    await using opening = new AsyncDisposableStack();
    const hub = opening.use(new EventHub(id));
    const spawned = spawn === undefined
      ? undefined
      : opening.use(await SpawnedWorkers.start(spawn, id, hub.as(id)));
    const sources = [spawned?.source, discoveredSource(options)]
      .filter((source) => source !== undefined);
    const dispatcher = opening.use(await dispatcherOver(sources, options, { id, hub }));
    await spawned?.started();
    opening.move();
    return new WorkerPool(dispatcher, spawned, hub);
  }

  /** The pool's own id, as its events name it. */
  get id(): string {
    return this.#dispatcher.id;
  }

  /** For any Connect client, on the same workers with the same security. */
  get transport(): Transport {
    return this.#dispatcher.transport;
  }

  /**
   * Calls a routine once, on one worker.
   *
   * @param routine What to call.
   * @param args Its argument list.
   * @param options How to call it.
   * @returns The routine's result.
   */
  call<F extends RoutineFunction, const A extends Readonly<ArgumentsOf<F>>>(
    routine: Routine<F, "unary">,
    args: A & Sendable<A>,
    options?: CallOptions,
  ): Promise<ResultOf<F>> {
    return this.#dispatcher.call(routine, args as never, options);
  }

  /**
   * Calls a streaming routine. Nothing starts before the first item is asked for; leaving the loop
   * ends the routine.
   *
   * @param routine What to call.
   * @param args Its argument list.
   * @param options How to call it.
   * @returns The routine's items.
   */
  stream<F extends RoutineFunction, const A extends Readonly<ArgumentsOf<F>>>(
    routine: Routine<F, "stream">,
    args: A & Sendable<A>,
    options?: CallOptions,
  ): AsyncGenerator<ItemOf<F>, void, undefined> {
    return this.#dispatcher.stream(routine, args as never, options);
  }

  /**
   * Calls a duplex routine. Nothing starts before the first item is asked for.
   *
   * @param routine What to call.
   * @param input What to send it while it runs.
   * @param args Its argument list, without the input.
   * @param options How to call it.
   * @returns The routine's items.
   */
  duplex<F extends RoutineFunction, const A extends Readonly<DuplexArgumentsOf<F>>>(
    routine: DuplexRoutine<F>,
    input: Source<InputOf<F>>,
    args: A & Sendable<A>,
    options?: CallOptions,
  ): AsyncGenerator<ItemOf<F>, void, undefined> {
    return this.#dispatcher.duplex(routine, input, args as never, options);
  }

  /**
   * Makes routines into methods.
   *
   * @param routines The routines, by the name each method shall have.
   * @param options How every call is made.
   * @returns An object with a method for each.
   */
  client<R extends Routines>(routines: R, options?: CallOptions): Client<R> {
    return this.#dispatcher.client(routines, options);
  }

  /** The workers it knows, as they are now. */
  workers(): readonly WorkerSnapshot[] {
    return this.#dispatcher.workers();
  }

  /** What happens from now on; a reader that falls behind loses events, which are counted. */
  events(): EventStream {
    return this.#hub.events();
  }

  /**
   * Waits for workers to be connected.
   *
   * @param options How many, and how long to wait.
   */
  ready(options?: ReadyOptions): Promise<void> {
    return this.#dispatcher.ready(options);
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
    const abort = () => reject(signal?.reason);
    signal?.addEventListener("abort", abort);
    using _timer = systemClock.schedule(() => reject(new DeadlineExceeded(timeoutMs)), timeoutMs);
    try {
      await Promise.race([this.#spawned?.renew(), over]);
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Lets calls at spawned workers finish within the grace, ends their processes, and disconnects. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    await this.#spawned?.[Symbol.asyncDispose]();
    await this.#dispatcher[Symbol.asyncDispose]();
    this.#hub[Symbol.dispose]();
  }
}

/** The workers that others run are trusted by the operator's credentials, and by those only. */
function discoveredSource(options: WorkerPoolOptions): WorkerSource | undefined {
  const { discovery, credentials, identity } = options;
  if (discovery !== undefined) return { discovery, credentials, identity };
  const stray = credentials !== undefined
    ? "credentials"
    : identity !== undefined
    ? "identity"
    : "";
  if (stray === "") return undefined;
  throw new ConfigurationError(
    `${stray} is for discovered workers, and there is no discovery; spawned ones have their own`,
    { setting: stray },
  );
}
