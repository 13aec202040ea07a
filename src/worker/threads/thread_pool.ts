import type { Shape } from "../../contract/mod.ts";
import { Overloaded, unusable } from "../../errors/mod.ts";
import { type Clock, systemClock } from "../../observe/mod.ts";
import type { CallContext, EncodedPayload, InvokeOptions } from "../../routine/mod.ts";
import { HeldCall } from "./held_call.ts";
import type { ThreadCallFacts } from "./messages.ts";
import { Thread } from "./thread.ts";

/**
 * Starts a pool of threads. The first thread is started at once, so that modules which a thread
 * cannot load are found here; the others start when they are needed.
 *
 * @throws {ConfigurationError} If a thread cannot load the modules.
 */
export async function createThreadPool(options: ThreadPoolOptions): Promise<ThreadPool> {
  if (!Number.isSafeInteger(options.threads) || options.threads < 1) {
    throw unusable("threads", `threads must be a whole number from 1, not ${options.threads}`);
  }
  const pool = new ThreadPool(options);
  await pool.start();
  return pool;
}

/** A snapshot of a {@linkcode ThreadPool}. */
export interface ThreadPoolState {
  /** Threads that run, the ones starting included. */
  readonly threads: number;
  /** Calls in a thread. */
  readonly running: number;
  /** Calls that wait for a thread. */
  readonly waiting: number;
  /** How many threads were given up since the start. */
  readonly replaced: number;
  /** How many of those still compute. */
  readonly computing: number;
}

/** How threads are made. */
export interface ThreadPoolOptions {
  /** Modules that export the routines, as the worker imports them. */
  readonly modules: readonly (string | URL)[];
  /** How many threads at most. */
  readonly threads: number;
  /** How the routines are run. Default: as {@linkcode InvokeOptions} says. */
  readonly invoke?: InvokeOptions;
  /**
   * How long a call may go on after its signal before its thread is replaced, and how long that may then go on before
   * it is taken to compute. Default 5,000 ms.
   */
  readonly graceMs?: number;
  /** The clock of that grace. Default: the machine's. */
  readonly clock?: Clock;
  /** Called when the calls that wait for a thread are more, or fewer, by so many. Default: nothing. */
  readonly queued?: (change: number) => void;
  /** Called when no thread is left for calls: all that there may be compute for calls that are over. Default: nothing. */
  readonly onLost?: (computing: number) => void;
}

/**
 * How many threads may compute at once for each one of the pool, those that were given up included: no platform call
 * stops them, so that each takes a core for as long as it computes.
 */
const THREADS_FOR_ONE = 2;

type ThreadCall = HeldCall<ThreadCallFacts>;

/**
 * Runs routines marked `run: "thread"` outside of the worker's own thread. What a call throws is
 * final: the routine's failure as a `RoutineError`, or the reason of the context's signal, at once.
 */
export class ThreadPool implements AsyncDisposable {
  readonly #options: ThreadPoolOptions;
  readonly #threads = new Set<Thread>();
  /** Those that were given up and have not ended. */
  readonly #leaving = new Set<Thread>();
  /** The calls that may make calls of their own, by their numbers. */
  readonly #contexts = new Map<number, CallContext>();
  #waiting: ThreadCall[] = [];
  /** How many waiting ones were counted. */
  #counted = 0;
  #calls = 0;
  #replaced = 0;
  #disposed = false;
  #isLost = false;

  constructor(options: ThreadPoolOptions) {
    this.#options = options;
  }

  /** Starts the first thread; resolves when it has loaded the modules. */
  async start(): Promise<void> {
    await this.#startThread().loaded;
  }

  /** How the threads fare. */
  get state(): ThreadPoolState {
    return {
      threads: this.#threads.size,
      running: this.#threads.values().reduce((sum, { port }) => sum + port.calls, 0),
      waiting: this.#waiting.filter(({ waiting }) => waiting).length,
      replaced: this.#replaced,
      computing: this.#leaving.values().reduce((sum, { computing }) => sum + Number(computing), 0),
    };
  }

  /** Runs a routine that gives one result. */
  async call(
    routine: string,
    args: EncodedPayload,
    context: CallContext,
  ): Promise<EncodedPayload> {
    return await this.#hold("unary", routine, args, context).result();
  }

  /** Runs a routine that streams: nothing starts before the first `next()`, no item is made before its own. */
  async *stream(
    routine: string,
    args: EncodedPayload,
    context: CallContext,
  ): AsyncGenerator<EncodedPayload, void, undefined> {
    yield* this.#hold("stream", routine, args, context).items();
  }

  /** Runs a routine that reads a stream and writes one. */
  async *duplex(
    routine: string,
    input: AsyncIterable<EncodedPayload>,
    args: EncodedPayload,
    context: CallContext,
  ): AsyncGenerator<EncodedPayload, void, undefined> {
    yield* this.#hold("duplex", routine, args, context, input).items();
  }

  /** Ends every thread; what runs there is lost. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    const stopping = new Overloaded("the worker is stopping");
    for (const call of this.#waiting.splice(0)) call.refuse(stopping);
    for (const thread of [...this.#threads, ...this.#leaving]) thread.end(stopping);
    this.#threads.clear();
    this.#leaving.clear();
    return Promise.resolve();
  }

  #hold(
    shape: Shape,
    routine: string,
    args: EncodedPayload,
    context: CallContext,
    input?: AsyncIterable<EncodedPayload>,
  ): ThreadCall {
    const { signal } = context;
    signal.throwIfAborted();
    if (this.#disposed) throw new Overloaded("the worker is stopping");
    const number = this.#calls++;
    const held = new HeldCall<ThreadCallFacts>({
      number,
      shape,
      routine,
      args,
      facts: factsOf(context),
      signal,
      input,
      clock: this.#clock,
      graceMs: this.#graceMs,
      keepsStacks: this.#options.invoke?.sendStack !== true,
      onOver: () => this.#contexts.delete(number),
    });
    this.#contexts.set(number, context);
    this.#waiting.push(held);
    this.#assign();
    return held;
  }

  get #clock(): Clock {
    return this.#options.clock ?? systemClock;
  }

  get #graceMs(): number {
    return this.#options.graceMs ?? 5000;
  }

  /** Gives every free thread the call that has waited longest, and starts threads for the rest. */
  #assign(): void {
    this.#giveWork();
    this.#refuseIfLost();
    const change = this.#waiting.length - this.#counted;
    if (change === 0) return;
    this.#counted += change;
    this.#options.queued?.(change);
  }

  #giveWork(): void {
    // A call whose caller left while it waited is dropped here.
    this.#waiting = this.#waiting.filter(({ waiting }) => waiting);
    for (const thread of this.#threads) {
      if (this.#waiting.length === 0) return;
      if (thread.free) this.#waiting.shift()!.begin(thread.port);
    }
    const loading = [...this.#threads].filter(({ loading }) => loading).length;
    for (let wanted = this.#waiting.length - loading; wanted > 0; wanted--) {
      if (this.#threads.size === this.#options.threads || this.#disposed) return;
      if (this.#threads.size + this.#leaving.size >= this.#most) return;
      this.#startThread();
    }
  }

  /** How many threads there may be, those that were given up included. */
  get #most(): number {
    return this.#options.threads * THREADS_FOR_ONE;
  }

  /** Where none is left and none will be, calls find room elsewhere, until a thread has ended after all. */
  #refuseIfLost(): void {
    const wasLost = this.#isLost;
    this.#isLost = this.#threads.size === 0 && this.#leaving.size >= this.#most &&
      this.#leaving.values().every(({ computing }) => computing);
    if (!this.#isLost) return;
    const computing = this.#leaving.size;
    const lost = new Overloaded(
      `${computing} threads of the worker compute for calls that are over`,
    );
    for (const call of this.#waiting.splice(0)) call.refuse(lost);
    if (!wasLost) this.#options.onLost?.(computing);
  }

  #startThread(): Thread {
    const { modules, invoke = {} } = this.#options;
    const thread = new Thread({
      modules,
      invoke,
      contextOf: (call) => this.#contexts.get(call),
      clock: this.#clock,
      graceMs: this.#graceMs,
      onChange: () => this.#changed(thread),
    });
    this.#threads.add(thread);
    thread.loaded.catch((error) => this.#unloadable(thread, error));
    return thread;
  }

  #changed(thread: Thread): void {
    if (this.#disposed) return;
    if (thread.leaving || thread.gone) {
      if (this.#threads.delete(thread)) this.#replaced += 1;
      if (thread.leaving) this.#leaving.add(thread);
      else this.#leaving.delete(thread);
    }
    this.#assign();
  }

  /** The modules do not load any more: to try again for those who wait would not help them. */
  #unloadable(thread: Thread, error: Error): void {
    this.#threads.delete(thread);
    if (this.#threads.size > 0) return;
    for (const call of this.#waiting.splice(0)) call.refuse(error);
    this.#assign();
  }
}

/** Everything but what only works in the worker's own thread. */
function factsOf(
  { id, parentId, workerId, peer, claims, deadline, tags, ambient }: CallContext,
): ThreadCallFacts {
  return {
    id,
    peer,
    tags,
    ambient,
    workerId,
    ...(parentId === undefined ? {} : { parentId }),
    ...(claims === undefined ? {} : { claims }),
    ...(deadline === undefined ? {} : { deadline }),
  };
}
