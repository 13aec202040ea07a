import type { DescMethod } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import {
  type CallRecord,
  type CallRecords,
  type CallSpan,
  startServerSpan,
} from "../../observe/mod.ts";
import { observeAnswer } from "../../rpc/mod.ts";
import { admittedOf } from "../admission/arrival.ts";

/** An implementation of a service's method: gives its answer, a promise of it, or its items. */
export type Invoke = (request: unknown, context: HandlerContext) => unknown;

/**
 * The implementation of a method that answers once, whose calls are counted, timed, traced and reported as those of
 * routines are, under the method's name.
 */
export function recordedMethod(method: DescMethod, invoke: Invoke, records: CallRecords): Invoke {
  const begin = beginRecords(method, records);
  return (request, context) => {
    const { record, span } = begin(context);
    const run = () => invoke(request, context);
    const failed = (error: unknown): never => {
      record.failed(error, context.signal.aborted);
      throw error;
    };
    try {
      const answer = span === undefined ? run() : span.run(run);
      if (answer instanceof Promise) {
        return answer.then((message) => {
          observeAnswer(context, record);
          return message;
        }, failed);
      }
      observeAnswer(context, record);
      return answer;
    } catch (error) {
      return failed(error);
    }
  };
}

/** Begins the record of a call. */
export type BeginRecord = (context: HandlerContext) => Begun;

interface Begun {
  readonly record: CallRecord;
  /** The call's, where a tracer is registered. */
  readonly span: CallSpan | undefined;
}

/** How the records of a method's calls begin. */
export function beginRecords(method: DescMethod, records: CallRecords): BeginRecord {
  const routine = `${method.parent.typeName}/${method.name}`;
  return (context) => {
    const { peer } = admittedOf(context);
    const traceparent = () => context.requestHeader.get("traceparent") ?? undefined;
    const span = startServerSpan(routine, traceparent, "service");
    const record = records.begin({ kind: "service", routine, peer: peer.caller }, span);
    return { record, span };
  };
}
