import { type AnyRoutine, STREAMED_RESULT } from "../../contract/mod.ts";
import { InvalidPayload, UnknownRoutine } from "../../errors/mod.ts";
import { type CallContext, iterateInCall, runInCall } from "../call_context.ts";
import { routineError } from "../failure/thrown.ts";
import {
  decodeArguments,
  decodePayload,
  type EncodedPayload,
  encodePayload,
} from "../payload/payload.ts";
import type { PayloadLimits } from "../payload/limits.ts";
import { checkedArguments } from "./schema.ts";

/** How a routine is run for a call. */
export interface InvokeOptions {
  /** Whether the stack of what the routine throws travels to the caller. Default: `false`. */
  readonly sendStack?: boolean | undefined;
  /** What arguments, results and items may be. Default: {@linkcode DEFAULT_PAYLOAD_LIMITS}. */
  readonly limits?: PayloadLimits | undefined;
}

/**
 * Runs a routine that answers once, for a call that had not been aborted when it was given here.
 *
 * @param routine The routine.
 * @param args Its argument list; the result takes the same form.
 * @param context The call it serves.
 * @param options How to run it.
 * @returns The result.
 * @throws {InvalidPayload} If the arguments cannot be read or do not fit, or the result cannot
 * travel, or is a stream.
 * @throws {RoutineError} What the routine threw.
 */
export async function invokeUnary(
  routine: AnyRoutine,
  args: EncodedPayload,
  context: CallContext,
  options: InvokeOptions = {},
): Promise<EncodedPayload> {
  if (routine.shape !== "unary" && routine.shape !== "unstated") throw streams(routine);
  let given = argumentsOf(routine, args, options);
  if (given instanceof Promise) {
    given = await given;
    context.signal.throwIfAborted();
  }
  const checked = given;
  const result = await guarded(routine, context, options, () => run(routine, context, checked));
  if (isStream(result)) {
    await close(result);
    throw streams(routine);
  }
  return encodePayload(result, "result", { form: args.form, limits: options.limits });
}

/**
 * Runs a routine that answers with a stream, for a call that has not been aborted when its first item
 * is asked for. Nothing starts before the first item is asked for, and
 * each item is made when it is asked for; `return()` ends the routine, so that its `finally` runs.
 *
 * @param routine The routine.
 * @param args Its argument list; the items take the same form.
 * @param context The call it serves.
 * @param options How to run it.
 * @returns The items. They throw {@linkcode InvalidPayload} if the arguments cannot be read or do
 * not fit, or an item cannot travel, and {@linkcode RoutineError} for what the routine threw.
 */
export function invokeStream(
  routine: AnyRoutine,
  args: EncodedPayload,
  context: CallContext,
  options: InvokeOptions = {},
): AsyncGenerator<EncodedPayload, void, undefined> {
  return items(routine, args, context, options, []);
}

/**
 * Runs a routine that is sent a stream while it answers with one; else as {@linkcode invokeStream}.
 *
 * @param routine The routine.
 * @param input What the caller sends; each item is read when the routine asks for it.
 * @param args Its argument list, without the input.
 * @param context The call it serves.
 * @param options How to run it.
 * @returns The items.
 */
export function invokeDuplex(
  routine: AnyRoutine,
  input: AsyncIterable<EncodedPayload>,
  args: EncodedPayload,
  context: CallContext,
  options: InvokeOptions = {},
): AsyncGenerator<EncodedPayload, void, undefined> {
  const failures: unknown[] = [];
  return items(routine, args, context, { ...options, failures }, [
    decoded(input, failures, options),
  ]);
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
  let given = argumentsOf(routine, args, options);
  if (given instanceof Promise) {
    given = await given;
    context.signal.throwIfAborted();
  }
  const checked = given;
  const stream = await guarded(
    routine,
    context,
    options,
    () => run(routine, context, [...input, ...checked]),
  );
  if (!isStream(stream)) throw answersOnce(routine);
  const iterator = iterateInCall(context, stream);
  let open = true;
  try {
    for (;;) {
      let next: IteratorResult<unknown, unknown>;
      open = false;
      try {
        next = await iterator.next();
      } catch (thrown) {
        throw told(thrown, routine, context, options);
      }
      if (next.done === true) return;
      open = true;
      yield encodePayload(next.value, "item", { form: args.form, limits: options.limits });
    }
  } finally {
    if (open) await guarded(routine, context, options, async () => await iterator.return?.());
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

async function guarded<R>(
  routine: AnyRoutine,
  context: CallContext,
  options: GuardOptions,
  step: () => R,
): Promise<Awaited<R>> {
  try {
    return await step();
  } catch (thrown) {
    throw told(thrown, routine, context, options);
  }
}

/**
 * Tells what the routine threw from what ended it: its signal, or its caller's stream. The signal is
 * only asked for where something was thrown: making one costs ten times what a small call does.
 */
function told(
  thrown: unknown,
  routine: AnyRoutine,
  { signal }: CallContext,
  { sendStack, failures }: GuardOptions,
): unknown {
  const passedOn = (signal.aborted && thrown === signal.reason) || failures?.includes(thrown);
  return passedOn ? thrown : routineError(routine.name, thrown, sendStack);
}

async function* decoded(
  input: AsyncIterable<EncodedPayload>,
  failures: unknown[],
  { limits }: InvokeOptions,
): AsyncGenerator<unknown, void, undefined> {
  try {
    for await (const item of input) yield decodePayload(item, "input", limits);
  } catch (error) {
    failures.push(error);
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
  return new InvalidPayload(`${name} answers with a stream, which a single result cannot hold`, {
    path: STREAMED_RESULT,
  });
}

function answersOnce({ name }: AnyRoutine): InvalidPayload {
  return new InvalidPayload(`${name} answers once, not with a stream`, { path: "result" });
}
