import type { Interceptor, ServiceImpl } from "@connectrpc/connect";
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import {
  type EchoRequest,
  EchoRequestSchema,
  type EchoService,
} from "./gen/selvage/test/v1/echo_pb.ts";
import { Tally } from "./tally.ts";

/** An interceptor that changes nothing, and by being there keeps calls off the fast path. */
export const throughPlainPath: Interceptor = (next) => (request) => next(request);

/** What the calls of an {@linkcode echoService} did. */
export interface EchoRecord {
  /** Calls whose implementation began. */
  begun: number;
  /** Why the signals of calls asked to `hang` aborted. */
  readonly aborted: unknown[];
  /** Called when a call asked to `hang` has begun to. */
  hanging: () => void;
  /** The responses of `Repeat` that were asked for, by their readers. */
  repeated: number;
  /** How often `Repeat` ran its `finally`. */
  readonly finished: Tally;
}

/** A record of nothing. */
export function emptyRecord(): EchoRecord {
  return { begun: 0, aborted: [], hanging: () => {}, repeated: 0, finished: new Tally() };
}

/**
 * A service that does what its requests' `text` says: `fail` throws an error with metadata and a
 * detail, `throw` one that is no `ConnectError`, `hang` waits for the signal, anything else is echoed.
 */
export function echoService(record: EchoRecord = emptyRecord()): ServiceImpl<typeof EchoService> {
  async function echo(request: EchoRequest, context: HandlerContext) {
    record.begun++;
    annotate(context);
    await obey(request.text, context, record);
    return { text: request.text, data: request.data };
  }
  return {
    echo,
    echoWithoutSideEffects: echo,
    async *repeat(request, context) {
      record.begun++;
      annotate(context);
      try {
        for (let index = 0; index < request.count; index++) {
          record.repeated++;
          yield { text: request.text, data: request.data, index };
        }
        await obey(request.text, context, record);
      } finally {
        record.finished.add(1);
      }
    },
    async collect(requests, context) {
      record.begun++;
      annotate(context);
      const texts: string[] = [];
      for await (const { text } of requests) {
        texts.push(text);
        if (text === "enough") break;
        await obey(text, context, record);
      }
      return { text: texts.join(" ") };
    },
    async *converse(requests, context) {
      record.begun++;
      annotate(context);
      let index = 0;
      for await (const { text, data } of requests) {
        await obey(text, context, record);
        yield { text, data, index: index++ };
        if (text === "enough") return;
      }
    },
  };
}

/** The error of calls asked to `fail`. */
export function echoFailure(): ConnectError {
  return new ConnectError(
    "asked to fail, 100% \u2013 sorry",
    Code.FailedPrecondition,
    { "x-failure": "yes", "x-failure-bin": "AAEC" },
    [{ desc: EchoRequestSchema, value: { text: "a detail", count: 7 } }],
  );
}

function annotate(context: HandlerContext): void {
  const said = context.requestHeader.get("x-say");
  if (said === null) return;
  context.responseHeader.set("x-said", said);
  context.responseTrailer.set("x-said-last", said);
}

async function obey(text: string, context: HandlerContext, record: EchoRecord): Promise<void> {
  if (text === "fail") throw echoFailure();
  if (text === "throw") throw new TypeError("not for the caller to read");
  if (text === "hang") await hang(context.signal, record);
}

function hang(signal: AbortSignal, record: EchoRecord): Promise<never> {
  return new Promise((_, reject) => {
    function aborted() {
      record.aborted.push(signal.reason);
      reject(signal.reason);
    }
    if (signal.aborted) aborted();
    else signal.addEventListener("abort", aborted);
    record.hanging();
  });
}
