import type { NotSendable, Sendable } from "./sendable.ts";

/** Any function that can be a routine's implementation. */
export type RoutineFunction = (...args: never[]) => unknown;

/** How a routine answers: with one result, with a stream, or with a stream while it is sent one. */
export type Shape = "unary" | "stream" | "duplex";

/** The result types that make a routine a streaming one. */
export type StreamResult<T = unknown> =
  | AsyncIterable<T>
  | (Iterable<T> & { next(): IteratorResult<T, unknown> });

/** How a function answers, read from what it returns. */
export type ShapeOf<F extends RoutineFunction> = [Awaited<ReturnType<F>>] extends [never] ? "unary"
  : unknown extends Awaited<ReturnType<F>> ? "unary"
  : Awaited<ReturnType<F>> extends StreamResult ? "stream"
  : "unary";

/** The argument list of a function. */
export type ArgumentsOf<F extends RoutineFunction> = F extends (...args: infer A) => unknown ? A
  : never;

/** What a unary routine answers with. */
export type ResultOf<F extends RoutineFunction> = Awaited<ReturnType<F>>;

/** What a streaming routine's stream is made of. */
export type ItemOf<F extends RoutineFunction> = Awaited<ReturnType<F>> extends StreamResult<infer T>
  ? T
  : never;

/** What a duplex routine is sent while it runs. */
export type InputOf<F extends RoutineFunction> = F extends
  (input: AsyncIterable<infer T>, ...args: never[]) => unknown ? T : never;

/** The argument list of a duplex routine, without its input. */
export type DuplexArgumentsOf<F extends RoutineFunction> = F extends
  (input: infer _Input, ...args: infer A) => unknown ? A : never;

/** What a function answers with: its stream's items, or its result. */
export type AnswerOf<F extends RoutineFunction> = ShapeOf<F> extends "stream" ? ItemOf<F>
  : ResultOf<F>;

/** `F` where what it takes and answers can travel, else a type that says what cannot. */
export type Declarable<F extends RoutineFunction> = ArgumentsOf<F> extends Sendable<ArgumentsOf<F>>
  ? [AnswerOf<F>] extends [Sendable<AnswerOf<F>>] ? unknown
  : { readonly answer: Sendable<AnswerOf<F>> }
  : { readonly parameters: Sendable<ArgumentsOf<F>> };

/** {@linkcode Declarable} for a duplex function, whose first parameter is a stream. */
export type DeclarableDuplex<F extends RoutineFunction> = TakesStream<F> extends true
  ? Awaited<ReturnType<F>> extends StreamResult ? Declarable<
      (...args: [InputOf<F>, ...DuplexArgumentsOf<F>]) => AnswerOf<F>
    >
  : { readonly answer: NotSendable<"a duplex routine answers with a stream"> }
  : { readonly parameters: NotSendable<"a duplex routine takes an AsyncIterable first"> };

/** Whether the first parameter takes any stream of its items. */
export type TakesStream<F extends RoutineFunction> = F extends
  (input: infer I, ...args: never[]) => unknown ? [unknown] extends [I] ? false
  : [I] extends [AsyncIterable<infer T>] ? AsyncIterable<T> extends I ? true : false
  : false
  : false;

/** A function that serves a contract: its result may come as a promise. */
export type Implementation<F extends RoutineFunction> = (
  ...args: ArgumentsOf<F>
) => ShapeOf<F> extends "stream" ? ReturnType<F> | AsyncIterable<ItemOf<F>>
  : ResultOf<F> | Promise<ResultOf<F>>;
