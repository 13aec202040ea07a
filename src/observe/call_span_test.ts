import assert from "node:assert/strict";
import {
  type Context,
  context,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  type SpanOptions,
  type SpanStatus,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { startClientSpan, startServerSpan } from "./mod.ts";

interface Recorded {
  readonly name: string;
  readonly kind: SpanKind | undefined;
  readonly parent: SpanContext | undefined;
  readonly attributes: Record<string, unknown>;
  status?: SpanStatus;
  ended: boolean;
}

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";

/** Registers a tracer that keeps its spans, for the time of `body`. */
function traced(body: (spans: Recorded[]) => void): void {
  const spans: Recorded[] = [];
  let active: Context = ROOT_CONTEXT;
  context.setGlobalContextManager({
    active: () => active,
    with: (inner, callback, self, ...args) => {
      const outer = active;
      active = inner;
      try {
        return callback.call(self, ...args);
      } finally {
        active = outer;
      }
    },
    bind: (_context, target) => target,
    enable() {
      return this;
    },
    disable() {
      return this;
    },
  });
  trace.setGlobalTracerProvider({
    getTracer: () => ({
      startSpan: (name: string, options: SpanOptions = {}, parentContext = active) =>
        recordingSpan(spans, name, options, trace.getSpanContext(parentContext)),
      startActiveSpan: () => assert.fail("not used"),
    }),
  });
  try {
    body(spans);
  } finally {
    trace.disable();
    context.disable();
  }
}

function recordingSpan(
  spans: Recorded[],
  name: string,
  options: SpanOptions,
  parent: SpanContext | undefined,
): Span {
  const recorded: Recorded = {
    name,
    kind: options.kind,
    parent,
    attributes: { ...options.attributes },
    ended: false,
  };
  spans.push(recorded);
  const spanContext = {
    traceId: parent?.traceId ?? TRACE_ID,
    spanId: spans.length.toString(16).padStart(16, "0"),
    traceFlags: 1,
  };
  const span = trace.wrapSpanContext(spanContext);
  return Object.assign(Object.create(span), {
    spanContext: () => spanContext,
    setAttribute: (key: string, value: unknown) => recorded.attributes[key] = value,
    setStatus: (status: SpanStatus) => recorded.status = status,
    end: () => recorded.ended = true,
  });
}

Deno.test("startClientSpan() and startServerSpan() give none while no tracer is registered", () => {
  assert.equal(startClientSpan("math.add"), undefined);
  assert.equal(startServerSpan("math.add", () => undefined), undefined);
});

Deno.test("startServerSpan() continues the trace that the caller's header carries", () => {
  traced((spans) => {
    const client = startClientSpan("math.add");
    assert.equal(client?.traceparent, `00-${TRACE_ID}-0000000000000001-01`);
    const server = startServerSpan("math.add", () => client?.traceparent);
    assert.equal(server?.traceparent, `00-${TRACE_ID}-0000000000000002-01`);
    assert.deepEqual(spans.map(({ kind }) => kind), [SpanKind.CLIENT, SpanKind.SERVER]);
    assert.equal(spans[1]?.parent?.spanId, "0000000000000001");
    assert.equal(spans[1]?.parent?.isRemote, true);
    assert.equal(spans[0]?.attributes["rpc.method"], "math.add");
  });
});

Deno.test("startServerSpan() ignores a header that is no traceparent", () => {
  const bad = [
    "",
    "00",
    `00-${TRACE_ID}-0000000000000001`,
    `00-${TRACE_ID}-0000000000000001-01-more`,
    `00-${TRACE_ID.toUpperCase()}-0000000000000001-01`,
    `00-${"0".repeat(32)}-0000000000000001-01`,
    `00-${TRACE_ID}-0000000000000000-01`,
    `ff-${TRACE_ID}-0000000000000001-01`,
    `00-${TRACE_ID}-0000000000000001-01\n`,
    "x".repeat(100_000),
  ];
  traced((spans) => {
    for (const header of bad) startServerSpan("a", () => header);
    assert.equal(spans.length, bad.length);
    assert.ok(spans.every(({ parent }) => parent === undefined));
  });
});

Deno.test("startServerSpan() reads the traceparent of a later version", () => {
  traced((spans) => {
    startServerSpan("a", () => `01-${TRACE_ID}-0000000000000001-03-later`);
    assert.equal(spans[0]?.parent?.traceId, TRACE_ID);
    assert.equal(spans[0]?.parent?.traceFlags, 1);
  });
});

Deno.test("CallSpan.run() makes the span the parent of what is started inside", () => {
  traced((spans) => {
    const server = startServerSpan("outer", () => undefined);
    const inner = server?.run(() => startClientSpan("inner"));
    startClientSpan("beside");
    assert.ok(inner);
    assert.equal(spans[1]?.parent?.spanId, "0000000000000001");
    assert.equal(spans[2]?.parent, undefined);
  });
});

Deno.test("CallSpan.iterate() makes the span the parent of what each item starts", async () => {
  const parents: (string | undefined)[] = [];
  const items = async function* () {
    for (let item = 0; item < 2; item++) {
      startClientSpan("inner");
      yield item;
    }
  };
  let iterator: AsyncIterableIterator<number> | undefined;
  const steps: Promise<unknown>[] = [];
  traced((spans) => {
    iterator = startServerSpan("outer", () => undefined)?.iterate(items());
    steps.push(iterator!.next());
    parents.push(spans[1]?.parent?.spanId);
  });
  await Promise.all(steps);
  assert.deepEqual(parents, ["0000000000000001"]);
  assert.deepEqual(await Array.fromAsync(iterator!), [1]);
});

Deno.test("CallSpan.end() reports the outcome, and an error unless it went well or was cancelled", () => {
  traced((spans) => {
    for (const outcome of ["ok", "cancelled", "routine-error"] as const) {
      startClientSpan("a")?.end(outcome);
    }
    assert.deepEqual(
      spans.map(({ attributes, status, ended }) => [
        attributes["selvage.outcome"],
        status?.code,
        ended,
      ]),
      [
        ["ok", undefined, true],
        ["cancelled", undefined, true],
        ["routine-error", SpanStatusCode.ERROR, true],
      ],
    );
  });
});
