import type { DescMethod } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ContextKey,
  type ContextValues,
  createContextValues,
  type Transport,
} from "@connectrpc/connect";
import { SelvageError } from "../../errors/mod.ts";
import {
  type CallRecord,
  type CallRecords,
  type CallSpan,
  startClientSpan,
} from "../../observe/mod.ts";
import { toConnectError } from "../../routine/mod.ts";
import { ReadyItems } from "../../values/mod.ts";
import { eitherSignal } from "./call_settings.ts";
import { type CallPlace, type PlacedCall, workerOf } from "./placed_call.ts";
import { checkedHeaders } from "./request_fields.ts";

/**
 * A transport whose calls are counted, timed and traced as those of routines are, under the name of
 * their method. A call whose caller aborts it fails as `canceled`, or as `deadline_exceeded` where the
 * signal is that of a timeout, whatever its reason is.
 */
export function recordedTransport(transport: Transport, records: CallRecords): Transport {
  const begin = (method: DescMethod) => {
    const routine = methodName(method);
    const span = startClientSpan(routine, "service");
    return { span, record: records.begin({ kind: "service", routine }, span) };
  };
  return {
    async unary(method, signal, timeoutMs, header, input, given) {
      const { span, record } = begin(method);
      const values = new PlacedValues(given);
      try {
        const traced = withTrace(header, span);
        const response = await transport.unary(method, signal, timeoutMs, traced, input, values);
        record.succeeded();
        return response;
      } catch (thrown) {
        throw failed(record, thrown, signal, values);
      }
    },
    async stream(method, signal, timeoutMs, header, input, given) {
      const { span, record } = begin(method);
      const values = new PlacedValues(given);
      const leaving = new AbortController();
      const ending = eitherSignal(signal, leaving.signal);
      try {
        const traced = withTrace(header, span);
        const response = await transport.stream(method, ending, timeoutMs, traced, input, values);
        const messages = recorded(response.message, record, { signal, leaving }, values);
        const leave = () => leaving.abort(LEFT);
        const leaveUnasked = () => {
          leave();
          record.left();
        };
        return {
          ...response,
          message: new ReadyItems(messages, () => undefined, { leave, leaveUnasked }),
        } as never;
      } catch (thrown) {
        throw failed(record, thrown, signal, values);
      }
    },
  };
}

/** The values of a call, and where it was brought: interceptors hand them on as they are. */
class PlacedValues implements ContextValues {
  lastAttempt: CallPlace | undefined;
  readonly #given: ContextValues;

  constructor(given: ContextValues = createContextValues()) {
    this.#given = given;
  }

  get<T>(key: ContextKey<T>): T {
    return this.#given.get(key);
  }

  set<T>(key: ContextKey<T>, value: T): this {
    this.#given.set(key, value);
    return this;
  }

  delete(key: ContextKey<unknown>): this {
    this.#given.delete(key);
    return this;
  }
}

/** Says where a call was brought that carries these values. */
export function placeValues(values: ContextValues | undefined, call: PlacedCall): void {
  if (values instanceof PlacedValues) values.lastAttempt = call.lastAttempt;
}

/** A method as events and metrics name it: `package.Service/Method`. */
export function methodName(method: DescMethod): string {
  return `${method.parent.typeName}/${method.name}`;
}

/** What ends a stream from this side. */
interface RecordedEnds {
  /** The caller's own. */
  readonly signal: AbortSignal | undefined;
  /** Aborted where the caller leaves while it waits for a message, or before it asked for one. */
  readonly leaving: AbortController;
}

/** Ready-made: an error that is made at every leaving costs ten times as much. */
const LEFT = new ConnectError("the caller left the stream", Code.Canceled);

async function* recorded<Message>(
  messages: AsyncIterable<Message>,
  record: CallRecord,
  { signal, leaving }: RecordedEnds,
  values: PlacedValues,
): AsyncGenerator<Message, void, undefined> {
  let over = false;
  try {
    yield* messages;
    over = true;
    record.succeeded();
  } catch (thrown) {
    if (leaving.signal.aborted) return;
    over = true;
    throw failed(record, thrown, signal, values);
  } finally {
    if (!over) record.left();
  }
}

/** Records that a call failed, and returns the error that its caller gets. */
export function failed(
  record: CallRecord,
  thrown: unknown,
  signal: AbortSignal | undefined,
  call?: Pick<PlacedCall, "lastAttempt">,
): unknown {
  const error = signal?.aborted ? abortError(signal) : thrown;
  const original = error instanceof ConnectError && error.cause instanceof SelvageError
    ? error.cause
    : error;
  record.failed(original, isCancelled(error, signal), original, call && workerOf(call));
  return error;
}

function isCancelled(error: unknown, signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true && (error as ConnectError).code === Code.Canceled;
}

/** What a call fails with whose caller aborted it; the signal's reason is its cause. */
function abortError({ reason }: AbortSignal): ConnectError {
  if (reason instanceof ConnectError) return reason;
  const timedOut = reason instanceof DOMException && reason.name === "TimeoutError";
  const [message, code] = timedOut
    ? ["the operation timed out", Code.DeadlineExceeded] as const
    : ["the caller aborted the call", Code.Canceled] as const;
  return new ConnectError(message, code, undefined, undefined, reason);
}

/**
 * A call's headers with those that continue its trace.
 *
 * @throws {ConnectError} If one is no header.
 */
export function withTrace(
  header: HeadersInit | undefined,
  span: CallSpan | undefined,
): Headers | undefined {
  if (header === undefined && span === undefined) return undefined;
  let traced: Headers;
  try {
    traced = checkedHeaders(header ?? {});
  } catch (error) {
    throw toConnectError(error);
  }
  if (span !== undefined) traced.set("traceparent", span.traceparent);
  return traced;
}
