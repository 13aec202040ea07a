import type { Transport } from "@connectrpc/connect";
import type { TransportChoices } from "../rpc/mod.ts";
import { type Ambient, NO_AMBIENT } from "./envelope/ambient.ts";
import type { Caller } from "../contract/mod.ts";
import { ConfigurationError } from "../errors/mod.ts";
import type { ChannelSecurity, SelvageEvent } from "../observe/mod.ts";
import { scopedValue } from "../platform/mod.ts";

/** What a routine may know of the call it serves. */
export interface CallContext {
  /** The call's id. */
  readonly id: string;
  /** The id of the call from within which this one was made. */
  readonly parentId?: string;
  /** The id of the worker that serves it. */
  readonly workerId: string;
  /** Who calls. */
  readonly peer: CallPeer;
  /** The claims of the caller's token, where one was verified. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Aborts when the caller cancels or is gone, and when the call's time runs out. */
  readonly signal: AbortSignal;
  /** When the call's time runs out, in milliseconds since the epoch. */
  readonly deadline?: number;
  /** The tags that the caller asked of a worker. */
  readonly tags: readonly string[];
  /** Values that came with the call: unverified, any caller may set them. See {@linkcode ambient}. */
  readonly ambient: Ambient;
  /** For calls to other workers; they name this call as their parent. */
  readonly dispatcher: Caller<Transport, SelvageEvent, TransportChoices>;
}

/** Who calls, as plain values. */
export interface CallPeer {
  /** The name it was proven under, as patterns write it; absent where nothing was proven. */
  readonly identity?: string;
  /** Every name that its certificate vouches for, the proven one first. */
  readonly names: readonly string[];
  /** The address it calls from. */
  readonly address: string;
  /** How its connection is protected. */
  readonly security: ChannelSecurity;
}

/**
 * The call that the running routine serves; right also in a generator's body and its `finally`.
 *
 * @returns Its context.
 * @throws {ConfigurationError} If no routine is running here.
 */
export function currentCall(): CallContext {
  const context = enclosingCall();
  if (context !== undefined) return context;
  throw new ConfigurationError("currentCall() is for the inside of a routine that serves a call");
}

/**
 * A value that came with the call that the running routine serves, and goes with the calls that it makes through
 * `currentCall().dispatcher`. It is what the caller said: nothing has verified it, and no policy reads it.
 *
 * @param name Its name.
 * @returns The value; nothing where the call came without it, or no routine is running here.
 */
export function ambient(name: string): string | undefined {
  const values = enclosingCall()?.ambient ?? NO_AMBIENT;
  return Object.hasOwn(values, name) ? values[name] : undefined;
}

/** The call that is being served here; nothing outside of a routine. */
export function enclosingCall(): CallContext | undefined {
  return calls.get();
}

/**
 * What a call answers that may be made from within another. Where it is, its failure counts as handled: a routine that
 * makes two calls and awaits one after the other leaves the second alone where the first fails, as both do once its
 * own caller cancels, and a rejection that nothing handles would end the worker.
 */
export function answerWithin<Result>(answer: Promise<Result>): Promise<Result> {
  if (enclosingCall() !== undefined) answer.catch(() => {});
  return answer;
}

/** Runs a function as a part of serving a call. */
export function runInCall<R>(context: CallContext, run: () => R): R {
  return calls.run(context, run);
}

/**
 * Iterates a routine's items as a part of serving a call: a generator's body runs in the context of
 * the consumer that asks for the next item, so each asking is put into the call's.
 */
export function iterateInCall<T>(
  context: CallContext,
  items: AsyncIterable<T> | Iterable<T>,
): AsyncIterableIterator<T, unknown> {
  const iterator = runInCall(
    context,
    () => Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator](),
  );
  const step = () => iterator.next();
  return {
    // Of a generator this is its own promise: one more for each item would be a tenth of its cost.
    next: () => Promise.resolve(runInCall(context, step)),
    async return(): Promise<IteratorResult<T, undefined>> {
      await runInCall(context, () => iterator.return?.());
      return DONE;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** One for the process: two copies of the package share it. */
const calls = scopedValue<CallContext>("selvage.calls");
