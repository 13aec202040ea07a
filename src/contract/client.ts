import type { Caller, CallOptions, Client, Routines, Source } from "./caller.ts";
import type { RoutineFunction } from "./inference.ts";
import type { AnyRoutine, Routine } from "./routine.ts";

/** Where an error says that a unary call met a routine that streams. */
export const STREAMED_RESULT = "result[Symbol.asyncIterator]";

/**
 * Makes routines into methods of one object: what {@linkcode Caller.client} is made of.
 *
 * @param caller What calls them.
 * @param routines The routines, by the name each method shall have.
 * @param options How every call is made.
 * @returns An object with a method for each.
 */
export function bindClient<R extends Routines>(
  caller: Calling,
  routines: R,
  options?: CallOptions,
): Client<R> {
  const methods = Object.entries(routines).map(([name, routine]) => [
    name,
    method(caller, routine, options),
  ]);
  return Object.fromEntries(methods) as Client<R>;
}

/** The part of a {@linkcode Caller} that a client needs. */
export type Calling = Pick<Caller, "call" | "stream" | "duplex">;

function method(caller: Calling, routine: AnyRoutine, options?: CallOptions): Untyped {
  switch (routine.shape) {
    case "unary":
      return (...args) => call(caller, routine, args, options);
    case "stream":
      return (...args) => stream(caller, routine, args, options);
    case "duplex":
      return (input, ...args) =>
        caller.duplex(routine as Duplex, input as Source<never>, args as never, options);
    case "unstated":
      return (...args) =>
        callOrStream(
          () => call(caller, routine, args, options),
          () => stream(caller, routine, args, options),
        );
  }
}

type Untyped = (...args: unknown[]) => unknown;
type Duplex = Routine<RoutineFunction, "duplex">;

function call(caller: Calling, routine: AnyRoutine, args: unknown[], options?: CallOptions) {
  return caller.call(routine as Routine<RoutineFunction, "unary">, args as never, options);
}

function stream(caller: Calling, routine: AnyRoutine, args: unknown[], options?: CallOptions) {
  return caller.stream(routine as Routine<RoutineFunction, "stream">, args as never, options);
}

/**
 * Answers for a routine of which only the types know whether it streams: a promise that can be
 * iterated instead. A loop asks for the iterator before the next microtask, so nothing is called
 * for it; a stream that is kept and iterated later costs one call, which the worker refuses before
 * the routine starts.
 */
function callOrStream(
  call: () => Promise<unknown>,
  stream: () => AsyncIterable<unknown>,
): Promise<unknown> & AsyncIterable<unknown> {
  let iterated = false;
  const result = new Promise<unknown>((resolve, reject) =>
    queueMicrotask(() => {
      if (iterated) return;
      call().then(resolve, (error) => isStreamed(error) ? undefined : reject(error));
    })
  );
  return Object.assign(result, {
    [Symbol.asyncIterator]() {
      iterated = true;
      return stream()[Symbol.asyncIterator]();
    },
  });
}

function isStreamed(error: unknown): boolean {
  return typeof error === "object" && error !== null && "path" in error &&
    error.path === STREAMED_RESULT;
}
