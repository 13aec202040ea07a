import type { AnyRoutine } from "../../contract/mod.ts";
import {
  type CallContext,
  type EncodedPayload,
  invokeDuplex,
  type InvokeOptions,
  invokeStream,
  invokeUnary,
  type PullableItems,
} from "../../routine/mod.ts";
import type { ThreadPool } from "../threads/thread_pool.ts";
import type { LoopWatchdog } from "../watchdog/loop_watchdog.ts";

/** Runs routines: on the worker's own thread, or where they are marked so in its pool of threads. */
export class Execution {
  readonly #options: InvokeOptions;
  readonly #threads: ThreadPool | undefined;
  readonly #watchdog: LoopWatchdog | undefined;

  /**
   * @param threads where routines marked `run: "thread"` run; there where a table has such.
   * @param watchdog notices which of the others blocks the event loop. Default: nobody does.
   */
  constructor(
    options: InvokeOptions,
    threads: ThreadPool | undefined,
    watchdog?: LoopWatchdog | undefined,
  ) {
    this.#watchdog = watchdog;
    this.#options = options;
    this.#threads = threads;
  }

  /** A routine is about to run; disposing of the result says that it is over. */
  enter(routine: AnyRoutine): Disposable | undefined {
    if (this.#watchdog === undefined || this.#threadsFor(routine) !== undefined) return undefined;
    return this.#watchdog.enter(routine.name);
  }

  /** Runs a routine that answers once: at once, where it returns no promise and runs here. */
  unary(
    routine: AnyRoutine,
    args: EncodedPayload,
    context: CallContext,
  ): EncodedPayload | Promise<EncodedPayload> {
    const threads = this.#threadsFor(routine);
    return threads === undefined
      ? invokeUnary(routine, args, context, this.#options)
      : threads.call(routine.name, args, context);
  }

  /** Runs a routine that streams. */
  stream(routine: AnyRoutine, args: EncodedPayload, context: CallContext): PullableItems {
    const threads = this.#threadsFor(routine);
    return threads === undefined
      ? invokeStream(routine, args, context, this.#options)
      : threads.stream(routine.name, args, context);
  }

  /** Runs a routine that is sent a stream while it answers with one. */
  duplex(
    routine: AnyRoutine,
    input: AsyncIterable<EncodedPayload>,
    args: EncodedPayload,
    context: CallContext,
  ): PullableItems {
    const threads = this.#threadsFor(routine);
    return threads === undefined
      ? invokeDuplex(routine, input, args, context, this.#options)
      : threads.duplex(routine.name, input, args, context);
  }

  #threadsFor(routine: AnyRoutine): ThreadPool | undefined {
    return routine.options.run === "thread" ? this.#threads : undefined;
  }
}
