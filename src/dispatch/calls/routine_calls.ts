import { Code, ConnectError } from "@connectrpc/connect";
import type { AnyRoutine, CallOptions, Source } from "../../contract/mod.ts";
import { WorkerService } from "../../gen/mod.ts";
import { type CallRecords, startClientSpan } from "../../observe/mod.ts";
import {
  answerWithin,
  type CallEnvelope,
  DecodedBatch,
  decodePayload,
  enclosingCall,
  encodeCallRequest,
  type EncodedPayload,
  encodeDuplexRequest,
  encodePayload,
  encodeSmallInput,
  freeLarge,
  type PayloadLimits,
} from "../../routine/mod.ts";
import type { RpcLimits } from "../../rpc/mod.ts";
import type { Endpoint } from "../endpoint/endpoint.ts";
import type { HeldPlace } from "../endpoint/held_calls.ts";
import type { Link } from "../endpoint/link.ts";
import type { Attempts } from "./attempts.ts";
import { BegunCall, Envelope, RoutineFacts } from "./begun_call.ts";
import type { CallSettings, RequestFields } from "./call_settings.ts";
import { InputFeed } from "./input_feed.ts";
import { insistOnCallNames } from "./option_names.ts";
import { type PlacedCall, remainingMs, workerOf } from "./placed_call.ts";
import { PreparedRequests } from "./prepared_requests.ts";
import { resultOf } from "./result_call.ts";
import { judgeFailure } from "./retry.ts";
import { StreamAttempt } from "./stream_attempt.ts";
import { onAbort, ReadyItems, Taken } from "../../values/mod.ts";

/** What calling routines takes. */
export interface RoutineCallsOptions {
  readonly attempts: Attempts;
  readonly settings: CallSettings;
  readonly records: CallRecords;
  readonly limits: Partial<RpcLimits>;
  /** The limits of arguments, items and results. */
  readonly payload: PayloadLimits;
}

/** Calls routines on the workers of a fleet. */
export class RoutineCalls {
  readonly #options: RoutineCallsOptions;
  readonly #unary: PreparedRequests<typeof WorkerService.method.call>;
  readonly #streams: PreparedRequests<typeof WorkerService.method.duplex>;

  constructor(options: RoutineCallsOptions) {
    this.#options = options;
    this.#unary = new PreparedRequests(WorkerService.method.call, options.limits);
    this.#streams = new PreparedRequests(WorkerService.method.duplex, options.limits);
  }

  /**
   * Calls a routine that answers once.
   *
   * @throws {SelvageError} One of them, or the reason of the caller's own signal.
   */
  result(
    routine: AnyRoutine,
    args: readonly unknown[],
    options: CallOptions = NO_OPTIONS,
  ): Promise<unknown> {
    const { settings } = this.#options;
    const now = performance.now();
    try {
      if (options !== NO_OPTIONS) insistOnCallNames(options);
      const begun = this.#begin(routine, args, options, settings.timeoutMs, now);
      const { envelope, fields } = begun;
      const message = encodeCallRequest(envelope);
      freeCopied(envelope.arguments, message, fields);
      const sentAt = message.byteLength < LARGE_BYTES ? now : performance.now();
      return answerWithin(
        resultOf(this.#options, begun, this.#unary.of(routine.name), message, sentAt),
      );
    } catch (error) {
      return answerWithin(Promise.reject(error));
    }
  }

  /**
   * Calls a routine that answers with a stream, once the first item is asked for; leaving the loop
   * ends the call.
   *
   * @param input what to send it while it runs, where it is a duplex one.
   * @throws {SelvageError} One of them, or the reason of the caller's own signal.
   */
  items(
    routine: AnyRoutine,
    args: readonly unknown[],
    input: Source<unknown> | undefined,
    options: CallOptions = NO_OPTIONS,
  ): AsyncGenerator<unknown, void, undefined> {
    const { payload } = this.#options;
    const reading: Reading = { exchange: undefined, leaving: undefined };
    const batch = new DecodedBatch("item", payload);
    const takeSmall = () => reading.exchange!.takeSmall();
    return new ReadyItems(this.#items(routine, args, input, options, reading), () => {
      const { exchange } = reading;
      if (exchange === undefined) return undefined;
      if (batch.isEmpty) {
        const item = exchange.take();
        if (item === undefined) return undefined;
        batch.fill(item, takeSmall);
      } else if (exchange.hasFailed) {
        batch.drop();
        return undefined;
      }
      // Who asks for this one is done with the one before.
      exchange.taken();
      return new Taken(batch.take());
    }, {
      isHandled: enclosingCall() !== undefined,
      leave: () => reading.leaving?.abort(LEFT),
    });
  }

  async *#items(
    routine: AnyRoutine,
    args: readonly unknown[],
    input: Source<unknown> | undefined,
    options: CallOptions,
    reading: Reading,
  ): AsyncGenerator<unknown, void, undefined> {
    if (options !== NO_OPTIONS) insistOnCallNames(options);
    const { settings, payload } = this.#options;
    const ahead = settings.aheadOf(options);
    const { call, envelope, fields, record } = this.#begin(
      routine,
      args,
      options,
      0,
      performance.now(),
      ahead,
    );
    const { signal } = call;
    // Also where the caller leaves, or its own stream fails, while the call is being begun.
    const leaving = reading.leaving = new AbortController();
    const abort = () => leaving.abort(signal?.reason);
    if (signal?.aborted) abort();
    // `AbortSignal.any()` costs 17 times as much.
    using _abort = onAbort(signal, abort);
    const placed = { ...call, signal: leaving.signal };
    let feed: InputFeed<Uint8Array> | undefined;
    let begun: Begun | undefined;
    let over = false;
    try {
      // Within, for an input may throw at once.
      if (input !== undefined) feed = new InputFeed(input, (value) => inputMessage(value, payload));
      begun = await first(feed, this.#firstItem(placed, envelope, feed, fields));
      reading.exchange = begun.exchange;
      for (let item = begun.first; item !== undefined;) {
        yield decodePayload(item, "item", payload);
        begun.exchange.taken();
        item = begun.exchange.take() ?? await begun.exchange.next();
      }
      over = true;
      record.succeeded();
    } catch (error) {
      if (leaving.signal.reason === LEFT) return;
      over = true;
      const reason = signal?.aborted ? signal.reason : reasonOf(error, placed, begun);
      record.failed(reason, signal?.aborted === true, reason, workerOf(placed));
      throw reason;
    } finally {
      if (!over) record.left();
      begun?.endpoint.held.remove(begun.place);
      if (begun === undefined) leaving.abort(LEFT);
      else begun.exchange.leave(LEFT);
      await feed?.close();
    }
  }

  /** What a call consists of before it is brought to a worker. */
  #begin(
    routine: AnyRoutine,
    args: readonly unknown[],
    options: CallOptions,
    timeoutMs: number,
    now: number,
    ahead = 0,
  ): BegunCall {
    const { settings, records, payload } = this.#options;
    const call = settings.placed(routine, options, timeoutMs, now);
    const ambient = settings.ambientOf(options);
    const envelope = new Envelope(
      call,
      encodePayload(args, "arguments", { limits: payload }),
      enclosingCall()?.id ?? "",
      ahead,
      options.tags ?? NO_TAGS,
      ambient,
    );
    const span = startClientSpan(routine.name);
    const record = records.begin(new RoutineFacts(call), span);
    return new BegunCall(call, envelope, record, settings.fields(options, span, envelope));
  }

  /** Brings the call to a worker, as far as its first item: until then another may be asked. */
  #firstItem(
    call: PlacedCall,
    envelope: CallEnvelope,
    feed: InputFeed<Uint8Array> | undefined,
    fields: RequestFields | undefined,
  ): Promise<Begun> {
    const { attempts } = this.#options;
    const request = this.#streams.of(envelope.routine);
    return attempts.make(call, async (link, endpoint) => {
      const exchange = new StreamAttempt({
        connection: link.connection,
        request,
        envelope,
        feed,
        fields: await attempts.fields(call, fields, link),
        signal: call.signal,
        timeoutMs: remainingMs(call),
      });
      try {
        const first = await exchange.next();
        return { exchange, first, link, endpoint, place: endpoint.held.add(call) };
      } catch (error) {
        exchange.leave(LEFT);
        throw error;
      }
    });
  }
}

const NO_OPTIONS: CallOptions = {};

/** Frees arguments that the message holds a copy of; a signature of the call is made of them for each attempt. */
function freeCopied(args: EncodedPayload, message: Uint8Array, fields?: RequestFields): void {
  if (fields === undefined && args.form === "cbor") freeLarge(args.bytes, message);
}

/** What takes a part of a millisecond to encode: the time is read again after it. */
const LARGE_BYTES = 16 * 1024;
const NO_TAGS: readonly string[] = [];

/** What is read of a call that a worker has taken. */
interface Reading {
  exchange: StreamAttempt | undefined;
  /** Ends the call for a reader that waits for an item and leaves. */
  leaving: AbortController | undefined;
}

/** A call that a worker has taken. */
interface Begun {
  readonly exchange: StreamAttempt;
  /** The first item; `undefined` where there is none. */
  readonly first: EncodedPayload | undefined;
  readonly link: Link;
  readonly endpoint: Endpoint;
  /** Its place among the calls that the worker holds. */
  readonly place: HeldPlace;
}

/** Ready-made: an error that is made at every leaving costs ten times as much. */
const LEFT = new ConnectError("the caller left the stream", Code.Canceled);

function inputMessage(value: unknown, limits: PayloadLimits): Uint8Array {
  return encodeSmallInput(value, limits) ?? encodeDuplexRequest({
    kind: "value",
    payload: encodePayload(value, "input", { limits }),
  });
}

/** What comes first: the promise, or the failure of what the caller sends. */
function first<Value>(
  feed: InputFeed<Uint8Array> | undefined,
  promise: Promise<Value>,
): Promise<Value> {
  return feed === undefined ? promise : Promise.race([promise, feed.failed]);
}

/** Once a worker has begun, no other is asked. */
function reasonOf(error: unknown, call: PlacedCall, begun: Begun | undefined): unknown {
  if (begun === undefined) return error;
  return judgeFailure(error, call, begun.endpoint, begun.link).error;
}
