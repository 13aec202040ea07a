import type { AnyRoutine, CallOptions, Source } from "../../contract/mod.ts";
import { Code, ConnectError } from "@connectrpc/connect";
import { WorkerService } from "../../gen/mod.ts";
import { CallRecord, type HeldCall, type Metrics, startClientSpan } from "../../observe/mod.ts";
import {
  type CallEnvelope,
  decodePayload,
  enclosingCall,
  type EncodedPayload,
  encodeDuplexRequest,
  encodePayload,
  type PayloadLimits,
  ROUTINE_HEADER,
} from "../../routine/mod.ts";
import { type PreparedStream, prepareRequest, type RpcLimits } from "../../rpc/mod.ts";
import type { Attempts } from "./attempts.ts";
import { type PlacedCall, remainingMs } from "./placed_call.ts";
import type { CallSettings, RequestFields } from "./call_settings.ts";
import type { Endpoint } from "../fleet/endpoint.ts";
import type { Link } from "../fleet/link.ts";
import { InputFeed } from "./input_feed.ts";
import { judgeFailure } from "./retry.ts";
import { StreamAttempt } from "./stream_attempt.ts";

/** What making calls with streams takes. */
export interface StreamCallsOptions {
  readonly attempts: Attempts;
  readonly settings: CallSettings;
  readonly metrics: Metrics;
  readonly limits: Partial<RpcLimits>;
  /** What arguments and items may be. */
  readonly payload: PayloadLimits;
}

/** Routines whose requests are kept prepared; a program calls fewer. */
const MAX_PREPARED = 4_096;

/** Calls routines that answer with a stream. */
export class StreamCalls {
  readonly #options: StreamCallsOptions;
  readonly #prepared = new Map<string, PreparedStream>();

  /** Over a fleet. */
  constructor(options: StreamCallsOptions) {
    this.#options = options;
  }

  /**
   * Calls a routine once the first item is asked for; leaving the loop ends it.
   *
   * @param input what to send it while it runs, where it is a duplex one.
   * @throws {SelvageError} One of them, or the reason of the caller's own signal.
   */
  async *items(
    routine: AnyRoutine,
    args: readonly unknown[],
    input: Source<unknown> | undefined,
    options: CallOptions = {},
  ): AsyncGenerator<unknown, void, undefined> {
    const { settings, metrics, payload } = this.#options;
    // Where the caller's own stream fails while the call is being begun, that is over, too.
    const inputFailed = input === undefined ? undefined : new AbortController();
    const call = {
      ...settings.placed(routine, options, 0),
      signal: eitherSignal(options.signal, inputFailed?.signal),
    };
    const feed = input === undefined
      ? undefined
      : new InputFeed(input, (value) => inputMessage(value, payload));
    const span = startClientSpan(routine.name);
    const record = new CallRecord(metrics, routine.name, span);
    let begun: Begun | undefined;
    let over = false;
    try {
      const envelope: CallEnvelope = {
        routine: routine.name,
        arguments: encodePayload(args, "arguments", { limits: payload }),
        callId: call.callId,
        parentId: enclosingCall()?.id ?? "",
        ahead: settings.aheadOf(options),
        tags: options.tags ?? [],
      };
      begun = await first(feed, this.#begin(call, envelope, feed, settings.fields(options, span)));
      for (let item = begun.first; item !== undefined;) {
        yield decodePayload(item, "item", payload);
        begun.exchange.taken();
        item = begun.exchange.take() ?? await begun.exchange.next();
      }
      over = true;
      record.succeeded();
    } catch (error) {
      over = true;
      const told = options.signal?.aborted ? options.signal.reason : reasonOf(error, call, begun);
      record.failed(told, options.signal?.aborted === true);
      throw told;
    } finally {
      if (!over) record.left();
      begun?.endpoint.held.delete(begun);
      begun?.exchange.leave(LEFT);
      inputFailed?.abort(LEFT);
      await feed?.close();
    }
  }

  /** Brings the call to a worker, as far as its first item: until then another may be asked. */
  #begin(
    call: PlacedCall,
    envelope: CallEnvelope,
    feed: InputFeed<Uint8Array> | undefined,
    fields: RequestFields | undefined,
  ): Promise<Begun> {
    const { attempts } = this.#options;
    const request = this.#prepare(envelope.routine);
    return attempts.make(call, async (link, endpoint) => {
      const exchange = new StreamAttempt({
        connection: link.connection,
        request,
        envelope,
        feed,
        fields: await fields?.(link),
        signal: call.signal,
        timeoutMs: remainingMs(call),
      });
      try {
        const first = await exchange.next();
        const { routine, callId } = call;
        const begun = { exchange, first, link, endpoint, routine, callId };
        endpoint.held.add(begun);
        return begun;
      } catch (error) {
        exchange.leave(LEFT);
        throw error;
      }
    });
  }

  #prepare(name: string): PreparedStream {
    const known = this.#prepared.get(name);
    if (known !== undefined) return known;
    if (this.#prepared.size === MAX_PREPARED) this.#prepared.clear();
    const prepared = prepareRequest(WorkerService.method.duplex, {
      fields: [ROUTINE_HEADER, name],
      limits: this.#options.limits,
    });
    this.#prepared.set(name, prepared);
    return prepared;
  }
}

/** A call that a worker has taken. */
interface Begun extends HeldCall {
  readonly exchange: StreamAttempt;
  /** The first item; `undefined` where there is none. */
  readonly first: EncodedPayload | undefined;
  readonly link: Link;
  readonly endpoint: Endpoint;
}

/** Ready-made: an error that is made at every leaving costs ten times as much. */
const LEFT = new ConnectError("the caller left the stream", Code.Canceled);

function eitherSignal(
  own: AbortSignal | undefined,
  other: AbortSignal | undefined,
): AbortSignal | undefined {
  if (own === undefined || other === undefined) return own ?? other;
  return AbortSignal.any([own, other]);
}

function inputMessage(value: unknown, limits: PayloadLimits): Uint8Array {
  return encodeDuplexRequest({
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
