import type {
  ArgumentsOf,
  DuplexArgumentsOf,
  InputOf,
  ItemOf,
  ResultOf,
  RoutineFunction,
  Shape,
} from "./inference.ts";
import type { AnyRoutine, DuplexRoutine, Routine } from "./routine.ts";
import type { Sendable } from "./sendable.ts";

/** How one call is made. */
export interface CallOptions {
  /** Ends the call when it aborts; the call throws its reason. Default: none. */
  readonly signal?: AbortSignal | undefined;
  /**
   * How long the call may take, in milliseconds; 0 is no limit.
   * Default: 30,000 for a unary call, no limit for a stream.
   */
  readonly timeoutMs?: number | undefined;
  /** The token that says who calls, instead of the caller's own. Default: the caller's own. */
  readonly token?: string | undefined;
  /** Calls of one affinity go to one worker while it is there. Default: none. */
  readonly affinity?: string | undefined;
  /** Only a worker that carries every one of these tags is called. Default: any worker. */
  readonly tags?: readonly string[] | undefined;
  /** Headers to send along. Default: none. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /**
   * Values that go with the call, and with the calls that are made from within it, for `ambient(name)` there: a
   * tenant, a locale. At most 32, of 4,096 bytes together. Nothing verifies them. Within a routine they are added to
   * those that came with its call. Default: none.
   */
  readonly ambient?: Readonly<Record<string, string>> | undefined;
  /**
   * How many items of a stream may be under way unread. Default: 256, and no more than fit the stream's
   * flow-control window (256 KiB, which grows to 1 MiB) and 128 KiB before it.
   */
  readonly ahead?: number | undefined;
}

/** How long to wait for workers. */
export interface ReadyOptions {
  /** How many workers must be connected. Default: the `quorum` of the caller, else 1. */
  readonly min?: number | undefined;
  /** Ends the wait when it aborts; the wait throws its reason. Default: none. */
  readonly signal?: AbortSignal | undefined;
  /** How long to wait, in milliseconds. Default: 30,000. */
  readonly timeoutMs?: number | undefined;
}

/** One worker as a caller sees it at a moment. */
export interface WorkerSnapshot {
  /** The worker's own id, once it has reported it. */
  readonly id?: string;
  /** Where it is dialled: `HOST:PORT`, `[IPv6]:PORT`, `unix:PATH` or `memory:NAME`. */
  readonly address: string;
  /** Whether it takes calls now, and if not, why not. */
  readonly state: WorkerState;
  /** Who it has proven to be, once it has. */
  readonly identity?: string;
  /** When its certificate, or one that it depends on, ends, milliseconds since the epoch; once proven. */
  readonly certificateEnds?: number;
  /**
   * The group of the key exchange with it by its IANA name, `x25519` or `X25519MLKEM768` for instance; `unknown` with
   * TLS 1.2; absent while it is not connected, and without TLS.
   */
  readonly keyExchange?: string;
  /** The tags it is announced with. */
  readonly tags: readonly string[];
  /** How many of this caller's calls it is at. */
  readonly inFlight: number;
  /** How many handshakes with it failed, by reason. */
  readonly handshakeFailures: Readonly<Record<string, number>>;
  /** The last failure to connect, where it has not connected since. */
  readonly lastFailure?: Error;
}

/**
 * Whether a worker takes calls: known and not dialled yet, being dialled, connected, connected but
 * leaving, or waiting to be tried again after a failure.
 */
export type WorkerState = "idle" | "connecting" | "ready" | "draining" | "failing";

/**
 * What calls routines: a dispatcher, or a pool.
 *
 * A contract imports nothing, so what belongs to other libraries and layers is a parameter.
 *
 * @typeParam Transport A Connect transport.
 * @typeParam Event The events it emits.
 * @typeParam TransportChoices How a Connect transport makes its calls.
 */
export interface Caller<Transport = unknown, Event = unknown, TransportChoices = unknown>
  extends AsyncDisposable {
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
  ): Promise<ResultOf<F>>;

  /**
   * Calls a streaming routine. Nothing starts before the first item is asked for; leaving the loop
   * ends the routine. An item of bytes may be a view of a buffer that other items of the stream share and
   * that cannot be transferred: use its `byteOffset` and `byteLength`; `slice()` gives one of its own.
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
  ): AsyncIterable<ItemOf<F>>;

  /**
   * Calls a duplex routine. Nothing starts before the first item is asked for. Items of bytes may share a
   * buffer, at either end, as those of {@linkcode Caller.stream}.
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
  ): AsyncIterable<ItemOf<F>>;

  /**
   * Makes routines into methods.
   *
   * @param routines The routines, by the name each method shall have.
   * @param options How every call is made.
   * @returns An object with a method for each.
   */
  client<R extends Routines>(routines: R, options?: CallOptions): Client<R>;

  /** For any Connect client, on the same workers with the same security. */
  readonly transport: Transport;

  /**
   * Like {@linkcode transport}, speaking another protocol, in another form, or through interceptors.
   *
   * @param choices How its calls are made. Default: as those of `transport`.
   */
  transportFor(choices?: TransportChoices): Transport;

  /** The workers it knows, as they are now. */
  workers(): readonly WorkerSnapshot[];

  /** What happens from now on; a reader that falls behind loses events, which are counted. */
  events(): AsyncIterable<Event>;

  /**
   * Waits for workers to be connected.
   *
   * @param options How many, and how long to wait.
   */
  ready(options?: ReadyOptions): Promise<void>;
}

/** Items to send to a duplex routine. */
export type Source<T> = AsyncIterable<T> | Iterable<T>;

/** Routines by the names that methods shall have. */
export type Routines = Readonly<Record<string, AnyRoutine>>;

/** An object with a method for each routine. */
export type Client<R extends Routines> = {
  readonly [Name in keyof R]: R[Name] extends Routine<infer F, infer S> ? Method<F, S> : never;
};

/** A routine as a method. */
export type Method<F extends RoutineFunction, S extends Shape> = S extends "unary"
  ? (...args: ArgumentsOf<F>) => Promise<ResultOf<F>>
  : S extends "stream" ? (...args: ArgumentsOf<F>) => AsyncIterable<ItemOf<F>>
  : F extends (input: AsyncIterable<infer I>, ...args: infer A) => unknown
    ? (input: Source<I>, ...args: A) => AsyncIterable<ItemOf<F>>
  : never;
