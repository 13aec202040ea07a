import type { Transport } from "@connectrpc/connect";
import type { TransportChoices } from "../../rpc/mod.ts";
import {
  type AnyRoutine,
  bindClient,
  type Caller,
  type CallOptions,
  type Client,
  type Routines,
  type Shape,
  type WorkerSnapshot,
} from "../../contract/mod.ts";
import { ConfigurationError } from "../../errors/mod.ts";
import { type SelvageEvent, systemClock } from "../../observe/mod.ts";
import {
  answerWithin,
  decodePayload,
  type EncodedPayload,
  encodePayload,
} from "../../routine/mod.ts";
import { ReadyItems } from "../../values/mod.ts";
import type { CallPort } from "./call_port.ts";
import { HeldCall } from "./held_call.ts";
import type { DispatchFacts } from "./messages.ts";

/** The grace after a signal is the worker's to keep; this end waits for its word. */
const FOREVER_MS = 2 ** 31 - 1;

/** Numbers of the calls that this thread makes. */
let made = 0;

/** The dispatcher of a call that runs in a thread: asks the worker's own to make each call. */
export class ThreadDispatcher implements Caller<Transport, SelvageEvent, TransportChoices> {
  readonly #port: CallPort<DispatchFacts>;
  readonly #within: number;

  /** @param within The call it belongs to, by its number. */
  constructor(port: CallPort<DispatchFacts>, within: number) {
    this.#port = port;
    this.#within = within;
  }

  call =
    ((routine: AnyRoutine, args: readonly unknown[], options: CallOptions = {}) =>
      answerWithin(this.#call(routine, args, options))) as Caller["call"];

  stream =
    ((routine: AnyRoutine, args: readonly unknown[], options: CallOptions = {}) =>
      this.#items(() => this.#hold("stream", routine, args, options))) as Caller["stream"];

  duplex = ((
    routine: AnyRoutine,
    input: AsyncIterable<unknown> | Iterable<unknown>,
    args: readonly unknown[],
    options: CallOptions = {},
  ) => this.#items(() => this.#hold("duplex", routine, args, options, encoded(input)))) as Caller[
    "duplex"
  ];

  client<R extends Routines>(routines: R, options?: CallOptions): Client<R> {
    return bindClient(this, routines, options);
  }

  get transport(): Transport {
    throw inlineOnly("transport");
  }

  transportFor(): Transport {
    throw inlineOnly("transportFor()");
  }

  workers(): readonly WorkerSnapshot[] {
    throw inlineOnly("workers()");
  }

  events(): AsyncIterable<SelvageEvent> {
    throw inlineOnly("events()");
  }

  ready(): Promise<void> {
    return Promise.reject(inlineOnly("ready()"));
  }

  /** It is the worker's: nothing is closed here. */
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  async #call(
    routine: AnyRoutine,
    args: readonly unknown[],
    options: CallOptions,
  ): Promise<unknown> {
    const held = this.#hold("unary", routine, args, options);
    return decodePayload(await held.result(), "result");
  }

  /** Nothing starts before the first item is asked for. */
  #items(hold: () => HeldCall<DispatchFacts>): AsyncGenerator<unknown, void, undefined> {
    let held: HeldCall<DispatchFacts> | undefined;
    const items = this.#plainItems(() => held = hold());
    return new ReadyItems(items, () => undefined, {
      isHandled: true,
      leave: () => held?.readerLeft(),
    });
  }

  async *#plainItems(
    hold: () => HeldCall<DispatchFacts>,
  ): AsyncGenerator<unknown, void, undefined> {
    for await (const item of hold().items()) yield decodePayload(item, "item");
  }

  #hold(
    shape: Shape,
    routine: AnyRoutine,
    args: readonly unknown[],
    { signal = new AbortController().signal, ...options }: CallOptions,
    input?: AsyncIterable<EncodedPayload>,
  ): HeldCall<DispatchFacts> {
    signal.throwIfAborted();
    const held = new HeldCall<DispatchFacts>({
      number: made++,
      shape,
      routine: routine.name,
      args: encodePayload(args, "arguments"),
      facts: { within: this.#within, idempotent: routine.options.idempotent === true, options },
      signal,
      input,
      clock: systemClock,
      graceMs: FOREVER_MS,
    });
    held.begin(this.#port);
    return held;
  }
}

async function* encoded(
  input: AsyncIterable<unknown> | Iterable<unknown>,
): AsyncGenerator<EncodedPayload, void, undefined> {
  for await (const item of input) yield encodePayload(item, "input");
}

function inlineOnly(what: string): ConfigurationError {
  return new ConfigurationError(
    `the dispatcher of a call in a thread calls routines; its ${what} is for routines that run inline`,
  );
}
