import { type AnyRoutine, STREAMED_RESULT } from "../../contract/mod.ts";
import { InvalidPayload, type SelvageError, UnknownRoutine } from "../../errors/mod.ts";
import { type CallContext, iterateInCall, runInCall } from "../call_context.ts";
import {
  type ItemReceiver,
  type PullableItems,
  PulledItems,
  type StartedItems,
} from "./pulled_items.ts";
import { isOurs, read, routineError, type SentOfThrown } from "../failure/thrown.ts";
import {
  decodeArguments,
  decodePayload,
  type EncodedPayload,
  encodePayload,
  type PayloadForm,
  payloadLength,
} from "../payload/payload.ts";
import { DecodedBatch } from "../payload/decoded_batch.ts";
import type { PayloadLimits } from "../payload/limits.ts";
import type { RoutineInput } from "./input_queue.ts";
import { checkedArguments } from "./schema.ts";
import { noteInputFailure } from "../../platform/mod.ts";
import { ReadyItems, Taken } from "../../values/mod.ts";

/** How a routine is run for a call. */
export interface InvokeOptions extends SentOfThrown {
  /** What arguments, results and items may be. Default: {@linkcode DEFAULT_PAYLOAD_LIMITS}. */
  readonly limits?: PayloadLimits | undefined;
}

/**
 * Runs a routine that answers once, for a call that had not been aborted when it was given here. What a routine
 * returns without a promise is the result at once: then nothing waits for a microtask, and the first answers to what
 * was read together leave while the others are still being made (`docs/performance-changes.md`, "What each change
 * brought").
 *
 * @param args Its argument list; the result takes the same form.
 * @throws {InvalidPayload} If the arguments cannot be read or do not fit, or the result cannot
 * travel, or is a stream; at once, or through the promise.
 * @throws {RoutineError} What the routine threw.
 */
export function invokeUnary(
  routine: AnyRoutine,
  args: EncodedPayload,
  context: CallContext,
  options: InvokeOptions = {},
): EncodedPayload | Promise<EncodedPayload> {
  if (routine.shape !== "unary" && routine.shape !== "unstated") throw streams(routine);
  const given = argumentsOf(routine, args, options);
  if (!(given instanceof Promise)) return answerOf(routine, args, context, options, given);
  return given.then((given) => {
    context.signal.throwIfAborted();
    return answerOf(routine, args, context, options, given);
  });
}

function answerOf(
  routine: AnyRoutine,
  { form }: EncodedPayload,
  context: CallContext,
  options: InvokeOptions,
  given: readonly unknown[],
): EncodedPayload | Promise<EncodedPayload> {
  let result: unknown;
  try {
    result = run(routine, context, given);
    if (isAwaited(result)) return awaited(result, routine, form, context, options);
  } catch (thrown) {
    throw endingOf(thrown, routine, context, options);
  }
  return encodePayload(result, "result", { form, limits: options.limits });
}

/** Whether a result may be a promise, or is a stream that has to be closed; its `then` is not read. */
function isAwaited(result: unknown): boolean {
  if (typeof result === "function") return "then" in result;
  return typeof result === "object" && result !== null && ("then" in result || isStream(result));
}

async function awaited(
  returned: unknown,
  routine: AnyRoutine,
  form: PayloadForm,
  context: CallContext,
  options: InvokeOptions,
): Promise<EncodedPayload> {
  let result: unknown;
  let streamed: boolean;
  try {
    result = await returned;
    streamed = isStream(result);
    if (streamed) await close(result as Stream);
  } catch (thrown) {
    throw endingOf(thrown, routine, context, options);
  }
  if (streamed) throw streams(routine);
  return encodePayload(result, "result", { form, limits: options.limits });
}

/**
 * Runs a routine that answers with a stream, for a call that has not been aborted when its first item
 * is asked for. Nothing starts before the first item is asked for, and
 * each item is made when it is asked for; `return()` ends the routine, so that its `finally` runs.
 *
 * @param args Its argument list; the items take the same form.
 * @returns The items. They throw {@linkcode InvalidPayload} if the arguments cannot be read or do
 * not fit, or an item cannot travel, and {@linkcode RoutineError} for what the routine threw.
 */
export function invokeStream(
  routine: AnyRoutine,
  args: EncodedPayload,
  context: CallContext,
  options: InvokeOptions = {},
): PullableItems {
  return new RoutineItems(routine, args, context, options, []);
}

/**
 * Runs a routine that is sent a stream while it answers with one; else as {@linkcode invokeStream}.
 *
 * @param input What the caller sends; each item is read when the routine asks for it.
 * @param args Its argument list, without the input.
 */
export function invokeDuplex(
  routine: AnyRoutine,
  input: RoutineInput,
  args: EncodedPayload,
  context: CallContext,
  options: InvokeOptions = {},
): PullableItems {
  const failures: unknown[] = [];
  return new RoutineItems(routine, args, context, { ...options, failures }, [
    inputOf(input, failures, options),
  ]);
}

/** Items that are pulled (see `pulled_items.ts`), or iterated through a generator as others are. */
class RoutineItems implements PullableItems {
  readonly #given: Parameters<typeof items>;
  #plain: AsyncGenerator<EncodedPayload, void, undefined> | undefined;
  #pulled: PulledItems | undefined;

  constructor(...given: Parameters<typeof items>) {
    this.#given = given;
  }

  pull(receiver: ItemReceiver): void {
    this.#pulled ??= new PulledItems(() => startItems(...this.#given));
    this.#pulled.pull(receiver);
  }

  next(): Promise<IteratorResult<EncodedPayload, void>> {
    return this.#iterated.next();
  }

  async return(): Promise<IteratorResult<EncodedPayload, void>> {
    if (this.#pulled === undefined) return await this.#iterated.return();
    await this.#pulled.leave();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  get #iterated(): AsyncGenerator<EncodedPayload, void, undefined> {
    return this.#plain ??= items(...this.#given);
  }
}

interface GuardOptions extends InvokeOptions {
  /** What the caller's stream failed with: no failure of the routine, where it passes it on. */
  readonly failures?: readonly unknown[];
}

async function* items(
  routine: AnyRoutine,
  args: EncodedPayload,
  context: CallContext,
  options: GuardOptions,
  input: readonly unknown[],
): AsyncGenerator<EncodedPayload, void, undefined> {
  const starting = startItems(routine, args, context, options, input);
  const { iterator, encode, failureOf } = starting instanceof Promise ? await starting : starting;
  const inCall = iterateInCall(context, {
    [Symbol.asyncIterator]: () => iterator as AsyncIterator<unknown, unknown>,
  });
  let open = true;
  try {
    for (;;) {
      let item: unknown;
      open = false;
      try {
        const next = await inCall.next();
        if (next.done === true) return;
        item = next.value;
      } catch (thrown) {
        throw failureOf(thrown);
      }
      open = true;
      yield encode(item);
    }
  } finally {
    if (open) await leave(inCall, failureOf);
  }
}

/** Enters the routine, after which its items can be asked for. */
function startItems(
  routine: AnyRoutine,
  args: EncodedPayload,
  context: CallContext,
  options: GuardOptions,
  input: readonly unknown[],
): StartedItems | Promise<StartedItems> {
  const given = argumentsOf(routine, args, options);
  if (!(given instanceof Promise)) {
    return enterStream(routine, args, context, options, [...input, ...given]);
  }
  return given.then((given) => {
    context.signal.throwIfAborted();
    return enterStream(routine, args, context, options, [...input, ...given]);
  });
}

async function enterStream(
  routine: AnyRoutine,
  { form }: EncodedPayload,
  context: CallContext,
  options: GuardOptions,
  given: readonly unknown[],
): Promise<StartedItems> {
  const failureOf = (thrown: unknown) => endingOf(thrown, routine, context, options);
  let iterator: StartedItems["iterator"] | undefined;
  try {
    const stream = await run(routine, context, given);
    if (isStream(stream)) {
      iterator = runInCall(
        context,
        () =>
          Symbol.asyncIterator in stream
            ? stream[Symbol.asyncIterator]()
            : stream[Symbol.iterator](),
      );
    }
  } catch (thrown) {
    throw failureOf(thrown);
  }
  if (iterator === undefined) throw answersOnce(routine);
  const written = { form, limits: options.limits };
  return {
    inCall: (run) => runInCall(context, run),
    iterator,
    encode: (item) => encodePayload(item, "item", written),
    failureOf,
  };
}

async function leave(
  iterator: AsyncIterator<unknown, unknown>,
  failureOf: StartedItems["failureOf"],
): Promise<void> {
  try {
    await iterator.return?.();
  } catch (thrown) {
    throw failureOf(thrown);
  }
}

/** Not to be awaited where there is no schema: a turn of its own costs a third of a small call. */
function argumentsOf(
  routine: AnyRoutine,
  args: EncodedPayload,
  { limits }: InvokeOptions,
): readonly unknown[] | Promise<readonly unknown[]> {
  const list = decodeArguments(args, limits);
  return routine.options.input === undefined ? list : checkedArguments(routine, list);
}

function run(routine: AnyRoutine, context: CallContext, args: readonly unknown[]): unknown {
  const { implementation } = routine;
  if (implementation === undefined) throw new UnknownRoutine(routine.name);
  return runInCall(context, () => implementation(...args as never[]));
}

/**
 * What a call ends with whose routine has been entered: the signal's reason and the failure of the
 * caller's own stream where the routine passes them on, and a `RoutineError` for all else. Nothing that
 * leaves here says that the call has not begun. The signal is only asked for where something was
 * thrown: making one costs ten times what a small call does.
 */
function endingOf(
  thrown: unknown,
  routine: AnyRoutine,
  { signal }: CallContext,
  options: GuardOptions,
): unknown {
  const passedOn = (signal.aborted && thrown === signal.reason) ||
    options.failures?.includes(thrown);
  if (passedOn && !(isOurs(thrown) && hasNotBegun(thrown))) return thrown;
  return routineError(routine.name, thrown, options);
}

/** The three errors for which a dispatcher asks another worker. */
function hasNotBegun(error: SelvageError): boolean {
  const name = read(error, "name");
  if (name === "WorkerUnavailable") return read(error, "notBegun") === true;
  return name === "Overloaded" || name === "UnknownRoutine";
}

/** The caller's stream as the routine reads it. */
function inputOf(
  input: RoutineInput,
  failures: unknown[],
  options: InvokeOptions,
): AsyncGenerator<unknown, void, undefined> {
  const plain = decoded(input, failures, options);
  const batch = new DecodedBatch("input", options.limits);
  let ahead = 0;
  const nextSmall = () => {
    const item = input.at?.(ahead++);
    return item !== undefined && payloadLength(item) <= SMALL_BYTES ? item : undefined;
  };
  return new ReadyItems(plain, () => {
    const item = input.take?.();
    if (item === undefined) {
      // The input has failed, or is not read any more.
      batch.drop();
      return undefined;
    }
    if (batch.isEmpty) {
      ahead = 0;
      batch.fill(item, nextSmall);
    }
    return new Taken(batch.take());
  }, { isHandled: true });
}

/** Up to here an item is decoded ahead of the one that is read. */
const SMALL_BYTES = 128;

async function* decoded(
  input: AsyncIterable<EncodedPayload>,
  failures: unknown[],
  { limits }: InvokeOptions,
): AsyncGenerator<unknown, void, undefined> {
  try {
    for await (const item of input) yield decodePayload(item, "input", limits);
  } catch (error) {
    failures.push(error);
    noteInputFailure(error);
    throw error;
  }
}

type Stream = AsyncIterable<unknown> | IterableIterator<unknown>;

/** Only what iterates itself is a stream: an array, a `Map` or a text is a result. */
function isStream(value: unknown): value is Stream {
  if (typeof value !== "object" || value === null) return false;
  return Symbol.asyncIterator in value ||
    (Symbol.iterator in value && "next" in value && typeof value.next === "function");
}

/** Lets go of a stream that is not going to be read. */
async function close(stream: Stream): Promise<void> {
  if ("return" in stream && typeof stream.return === "function") await stream.return();
}

function streams({ name }: AnyRoutine): InvalidPayload {
  return new InvalidPayload(
    `${name} answers with a stream, which a single result cannot hold; read it with stream(), or ` +
      "--stream on the command line",
    { path: STREAMED_RESULT },
  );
}

function answersOnce({ name }: AnyRoutine): InvalidPayload {
  return new InvalidPayload(
    `${name} answers once, not with a stream; use call(), or leave out --stream`,
    { path: "result" },
  );
}
