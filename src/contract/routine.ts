import type {
  ArgumentsOf,
  Declarable,
  DeclarableDuplex,
  Implementation,
  RoutineFunction,
  Shape,
  ShapeOf,
} from "./inference.ts";
import { routineName } from "./routine_name.ts";
import type { StandardSchema } from "./standard_schema.ts";

/** Marks a routine across copies of the package in one process. */
export const ROUTINE: unique symbol = Symbol.for("selvage.routine") as never;

/** How a routine is to be run and called. */
export interface RoutineOptions {
  /**
   * Checks the routine's argument at the worker, after authorization and before the routine runs,
   * which gets what the schema makes of it. A routine with a schema takes exactly one argument.
   * Default: arguments are not checked.
   */
  readonly input?: StandardSchema | undefined;
  /**
   * Where it runs: on the worker's main thread, or in its pool of threads, which keeps the worker
   * answering while it computes. Default: `inline`.
   */
  readonly run?: "inline" | "thread" | undefined;
  /** Whether it may be tried again after a connection was lost. Default: `false`. */
  readonly idempotent?: boolean | undefined;
  /**
   * The version of its contract, which a worker's description shows. While a fleet has several, a caller that
   * declares one calls the workers of that version where they have room, and else any. Default: none.
   */
  readonly version?: string | undefined;
}

/**
 * A routine: a name, the type of its function, and, in a worker's module, the function itself.
 *
 * @typeParam F The routine's function, as a caller sees it.
 * @typeParam S How it answers.
 */
export interface Routine<F extends RoutineFunction, S extends Shape = ShapeOf<F>> {
  /** The mark by which any copy of the package recognises a routine. */
  readonly [ROUTINE]: true;
  /** The name it is called by, `math.add` for instance. */
  readonly name: string;
  /** How it is to be run and called. */
  readonly options: RoutineOptions;
  /** How it answers; `unstated` where its function is not there, or does not tell. */
  readonly shape: S | "unstated";
  /** The function; left out of a contract. */
  readonly implementation?: F;
}

/** A routine whose caller sends it a stream while it answers with one. */
export type DuplexRoutine<F extends RoutineFunction> = Routine<F, "duplex">;

/** Any routine, whatever its function. */
export type AnyRoutine = Routine<RoutineFunction, Shape>;

/**
 * Declares a routine, whose function may return a value, a promise, or a stream (a generator of
 * either kind, or any `AsyncIterable`).
 *
 * @param name The name it is called by, `math.add` for instance.
 * @param implementation The function.
 * @returns The routine.
 * @throws {TypeError} If the name is invalid.
 *
 * @example
 * ```ts
 * import { routine } from "@selvage/runtime/routine";
 * import assert from "node:assert/strict";
 *
 * export const add = routine("math.add", (a: number, b = 1) => a + b);
 * export const primes = routine("math.primes", async function* (limit: number) {
 *   for (let n = 2; n <= limit; n++) yield n;
 * });
 * assert.equal(add.name, "math.add");
 * assert.equal(primes.shape, "stream");
 * ```
 */
export function routine<F extends RoutineFunction>(
  name: string,
  implementation: F & Declarable<F>,
): Routine<F>;
/**
 * Declares a routine of one argument that a schema checks.
 *
 * @param name The name it is called by.
 * @param options How it is to be run and called, and the schema.
 * @param implementation The function, which gets what the schema makes of the caller's argument.
 * @returns The routine.
 * @throws {TypeError} If the name is invalid.
 */
export function routine<Input, Output, R>(
  name: string,
  options: RoutineOptions & { readonly input: StandardSchema<Input, Output> },
  implementation: ((input: Output) => R) & Declarable<(input: Input) => R>,
): Routine<(input: Input) => R>;
/**
 * Declares a routine with options.
 *
 * @param name The name it is called by.
 * @param options How it is to be run and called.
 * @param implementation The function.
 * @returns The routine.
 * @throws {TypeError} If the name is invalid.
 */
export function routine<F extends RoutineFunction>(
  name: string,
  options: RoutineOptions & { readonly input?: undefined },
  implementation: F & Declarable<F>,
): Routine<F>;
/**
 * Declares only a routine's contract, so that callers need not bundle its implementation; a
 * worker's module gives it one with {@linkcode implement}.
 *
 * @param name The name it is called by.
 * @param options How it is to be run and called.
 * @returns The contract, of the type that the declaration is annotated with.
 * @throws {TypeError} If the name is invalid.
 *
 * @example
 * ```ts
 * import { type Routine, routine } from "@selvage/runtime/routine";
 * import assert from "node:assert/strict";
 *
 * export const area: Routine<(w: number, h: number) => number> = routine("math.area");
 * assert.equal(area.implementation, undefined);
 * ```
 */
export function routine<F extends RoutineFunction>(
  name: string,
  options?: RoutineOptions,
): Routine<F>;
export function routine(
  name: string,
  optionsOrImplementation?: RoutineOptions | RoutineFunction,
  implementation?: RoutineFunction,
): AnyRoutine {
  return declare(name, optionsOrImplementation, implementation);
}

/**
 * Declares a routine that is sent a stream while it answers with one. Its function's first
 * parameter is the caller's stream. An item of bytes may be a view of a buffer that other items of the
 * stream share and that cannot be transferred: use its `byteOffset` and `byteLength`; `slice()` gives one
 * of its own.
 *
 * @param name The name it is called by.
 * @param implementation The function.
 * @returns The routine.
 * @throws {TypeError} If the name is invalid.
 *
 * @example
 * ```ts
 * import { duplexRoutine } from "@selvage/runtime/routine";
 * import assert from "node:assert/strict";
 *
 * export const tally = duplexRoutine(
 *   "math.tally",
 *   async function* (input: AsyncIterable<number>, start: number) {
 *     let sum = start;
 *     for await (const n of input) yield sum += n;
 *   },
 * );
 * assert.equal(tally.shape, "duplex");
 * ```
 */
export function duplexRoutine<F extends RoutineFunction>(
  name: string,
  implementation: F & DeclarableDuplex<F>,
): DuplexRoutine<F>;
/**
 * Declares a duplex routine with options.
 *
 * @param name The name it is called by.
 * @param options How it is to be run and called.
 * @param implementation The function.
 * @returns The routine.
 * @throws {TypeError} If the name is invalid.
 */
export function duplexRoutine<F extends RoutineFunction>(
  name: string,
  options: RoutineOptions & { readonly input?: undefined },
  implementation: F & DeclarableDuplex<F>,
): DuplexRoutine<F>;
/**
 * Declares only a duplex routine's contract.
 *
 * @param name The name it is called by.
 * @param options How it is to be run and called.
 * @returns The contract, of the type that the declaration is annotated with.
 * @throws {TypeError} If the name is invalid.
 */
export function duplexRoutine<F extends RoutineFunction>(
  name: string,
  options?: RoutineOptions & { readonly input?: undefined },
): DuplexRoutine<F>;
export function duplexRoutine(
  name: string,
  optionsOrImplementation?: RoutineOptions | RoutineFunction,
  implementation?: RoutineFunction,
): AnyRoutine {
  return declare(name, optionsOrImplementation, implementation, "duplex");
}

/**
 * Gives a contract its implementation, in a worker's own module.
 *
 * @param contract What {@linkcode routine} or {@linkcode duplexRoutine} declared.
 * @param implementation The function.
 * @returns The routine, with the contract's name and options.
 *
 * @example
 * ```ts
 * import { implement, type Routine, routine } from "@selvage/runtime/routine";
 * import assert from "node:assert/strict";
 *
 * const area: Routine<(w: number, h: number) => number> = routine("math.area");
 * const areaHere = implement(area, (w, h) => w * h);
 * assert.equal(areaHere.name, "math.area");
 * ```
 */
export function implement<F extends RoutineFunction, S extends Shape>(
  contract: Routine<F, S>,
  implementation: Implementation<F>,
): Routine<F, S>;
/**
 * Gives a contract its implementation and the options that concern only the worker.
 *
 * @param contract What {@linkcode routine} or {@linkcode duplexRoutine} declared.
 * @param options Options that add to the contract's, and win over them.
 * @param implementation The function; with a schema, it gets what the schema makes.
 * @returns The routine, with the contract's name.
 */
export function implement<F extends RoutineFunction, S extends Shape, Output>(
  contract: Routine<F, S>,
  options: RoutineOptions & {
    readonly input: StandardSchema<ArgumentsOf<F>[0], Output>;
  },
  implementation: Implementation<(input: Output) => ReturnType<F>>,
): Routine<F, S>;
/**
 * Gives a contract its implementation and the options that concern only the worker.
 *
 * @param contract What {@linkcode routine} or {@linkcode duplexRoutine} declared.
 * @param options Options that add to the contract's, and win over them.
 * @param implementation The function.
 * @returns The routine, with the contract's name.
 */
export function implement<F extends RoutineFunction, S extends Shape>(
  contract: Routine<F, S>,
  options: RoutineOptions & { readonly input?: undefined },
  implementation: Implementation<F>,
): Routine<F, S>;
export function implement(
  contract: AnyRoutine,
  optionsOrImplementation: RoutineOptions | RoutineFunction,
  implementation?: RoutineFunction,
): AnyRoutine {
  const { name, options, shape } = contract;
  const duplex = shape === "duplex" ? shape : undefined;
  return declare(name, optionsOrImplementation, implementation, duplex, options);
}

/**
 * Whether a value is a routine, of whichever copy of the package.
 *
 * @param value The value, a module's export for instance.
 * @returns Whether it is a routine.
 */
export function isRoutine(value: unknown): value is AnyRoutine {
  return typeof value === "object" && value !== null && ROUTINE in value;
}

function declare(
  name: string,
  given: RoutineOptions | RoutineFunction | undefined,
  implementation: RoutineFunction | undefined,
  stated?: "duplex",
  before?: RoutineOptions,
): AnyRoutine {
  // Deno runs TypeScript without checking it: options behind the function would be ignored.
  if (typeof given === "function" && implementation === undefined) {
    return declare(name, undefined, given, stated, before);
  }
  const isDeclarable = (given === undefined || typeof given === "object") &&
    (implementation === undefined || typeof implementation === "function");
  if (!isDeclarable) {
    throw new TypeError(`"${name}": a name comes first, then options, then a function`);
  }
  return Object.freeze({
    [ROUTINE]: true as const,
    name: routineName(name),
    options: Object.freeze({ ...before, ...given }),
    shape: stated ?? shapeOf(implementation),
    ...(implementation === undefined ? {} : { implementation }),
  });
}

/** Only a generator function shows it; any other may return a promise or a stream. */
function shapeOf(implementation: RoutineFunction | undefined): "stream" | "unstated" {
  const kind = Object.prototype.toString.call(implementation);
  return kind === "[object AsyncGeneratorFunction]" || kind === "[object GeneratorFunction]"
    ? "stream"
    : "unstated";
}
