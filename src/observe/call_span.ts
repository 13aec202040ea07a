import {
  context,
  isSpanContextValid,
  ProxyTracerProvider,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from "@opentelemetry/api";
import type { CallKind } from "./events/event_base.ts";
import { type CallOutcome, rpcAttributes, STATUS_CODES } from "./metrics.ts";

/**
 * Starts the caller's span of a call. Without a registered tracer there is none, and asking costs
 * one look-up.
 */
export function startClientSpan(
  routine: string,
  kind: CallKind = "routine",
): CallSpan | undefined {
  const tracer = registeredTracer();
  if (tracer === undefined) return undefined;
  const span = tracer.startSpan(routine, {
    kind: SpanKind.CLIENT,
    attributes: rpcAttributes(kind, routine),
  });
  return new CallSpan(span);
}

/**
 * Starts the worker's span of a call, as a child of the caller's where `traceparent` gives one; it is
 * only asked where a tracer is registered.
 * `routine` is the name of a served routine or method, never a peer's text.
 */
export function startServerSpan(
  routine: string,
  traceparent: () => string | undefined,
  kind: CallKind = "routine",
): CallSpan | undefined {
  const tracer = registeredTracer();
  if (tracer === undefined) return undefined;
  const header = traceparent();
  const parent = header === undefined ? undefined : parseTraceparent(header);
  const active = context.active();
  const span = tracer.startSpan(
    routine,
    {
      kind: SpanKind.SERVER,
      attributes: rpcAttributes(kind, routine),
    },
    parent === undefined ? active : trace.setSpanContext(active, parent),
  );
  return new CallSpan(span);
}

/** The span of one call at one end. */
export class CallSpan {
  readonly #span: Span;

  constructor(span: Span) {
    this.#span = span;
  }

  /** The W3C `traceparent` header that carries this span to the worker. */
  get traceparent(): string {
    const { traceId, spanId, traceFlags } = this.#span.spanContext();
    return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
  }

  /** Runs `body` with this span as the parent of what it starts. */
  run<Result>(body: () => Result): Result {
    return context.with(trace.setSpan(context.active(), this.#span), body);
  }

  /**
   * The same items, each made with this span as the parent of what its making starts: a generator's body runs in the
   * context of the code that asks for its next item.
   */
  iterate<Item>(items: AsyncIterable<Item>): AsyncIterableIterator<Item> {
    const iterator = this.run(() => items[Symbol.asyncIterator]());
    const leave = () =>
      iterator.return?.() ?? Promise.resolve({ done: true, value: undefined } as const);
    return {
      next: () => this.run(() => iterator.next()),
      return: () => this.run(leave),
      throw: async (reason) => {
        if (iterator.throw !== undefined) return await this.run(() => iterator.throw!(reason));
        await this.run(leave);
        throw reason;
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** The call has ended. */
  end(outcome: CallOutcome): void {
    this.#span.setAttribute("rpc.response.status_code", STATUS_CODES[outcome]);
    this.#span.setAttribute("selvage.outcome", outcome);
    if (outcome !== "ok" && outcome !== "cancelled") {
      this.#span.setAttribute("error.type", outcome);
      this.#span.setStatus({ code: SpanStatusCode.ERROR, message: outcome });
    }
    this.#span.end();
  }
}

function registeredTracer(): Tracer | undefined {
  const provider = trace.getTracerProvider();
  return provider instanceof ProxyTracerProvider
    ? provider.getDelegateTracer("@selvage/runtime")
    : provider.getTracer("@selvage/runtime");
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Reads a `traceparent` header (W3C Trace Context §3.2); one that does not hold is ignored. */
function parseTraceparent(header: string): SpanContext | undefined {
  const [, version, traceId, spanId, flags, more] = TRACEPARENT.exec(header) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (version === "ff" || (version === "00" && more !== undefined)) return undefined;
  const parent: SpanContext = {
    traceId,
    spanId,
    traceFlags: parseInt(flags, 16) & 1,
    isRemote: true,
  };
  return isSpanContextValid(parent) ? parent : undefined;
}
