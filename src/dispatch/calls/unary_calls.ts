import type { AnyRoutine, CallOptions } from "../../contract/mod.ts";
import { WorkerService } from "../../gen/mod.ts";
import type { HeaderList } from "../../http2/mod.ts";
import { CallRecord, type Metrics, startClientSpan } from "../../observe/mod.ts";
import {
  callUnaryBytes,
  type PreparedUnary,
  prepareRequest,
  type RpcLimits,
} from "../../rpc/mod.ts";
import {
  decodeCallResponse,
  decodePayload,
  enclosingCall,
  encodeCallRequest,
  encodePayload,
  type PayloadLimits,
  ROUTINE_HEADER,
} from "../../routine/mod.ts";
import type { Attempts } from "./attempts.ts";
import { remainingMs } from "./placed_call.ts";
import type { CallSettings } from "./call_settings.ts";

/** What making unary calls takes. */
export interface UnaryCallsOptions {
  readonly attempts: Attempts;
  readonly settings: CallSettings;
  readonly metrics: Metrics;
  readonly limits: Partial<RpcLimits>;
  /** What arguments and results may be. */
  readonly payload: PayloadLimits;
}

/** Routines whose requests are kept prepared; a program calls fewer. */
const MAX_PREPARED = 4_096;

/** Calls routines that answer once. */
export class UnaryCalls {
  readonly #options: UnaryCallsOptions;
  readonly #prepared = new Map<string, PreparedUnary>();

  /** Over a fleet. */
  constructor(options: UnaryCallsOptions) {
    this.#options = options;
  }

  /**
   * Calls a routine.
   *
   * @throws {SelvageError} One of them, or the reason of the caller's own signal.
   */
  async call(
    routine: AnyRoutine,
    args: readonly unknown[],
    options: CallOptions = NO_OPTIONS,
  ): Promise<unknown> {
    const { attempts, settings, metrics, payload } = this.#options;
    const call = settings.placed(routine, options, settings.timeoutMs);
    const message = encodeCallRequest({
      routine: routine.name,
      arguments: encodePayload(args, "arguments", { limits: payload }),
      callId: call.callId,
      parentId: enclosingCall()?.id ?? "",
      ahead: 0,
      tags: options.tags ?? NO_TAGS,
    });
    const request = this.#prepare(routine.name);
    const span = startClientSpan(routine.name);
    const record = new CallRecord(metrics, routine.name, span);
    const fields = settings.fields(options, span);
    try {
      const answer = await attempts.make(call, (link) => {
        const timeoutMs = remainingMs(call);
        if (fields === undefined) {
          return callUnaryBytes(link.connection, request, message, {
            timeoutMs,
            signal: call.signal,
          });
        }
        return fields(link).then((fields: HeaderList) =>
          callUnaryBytes(link.connection, request, message, {
            timeoutMs,
            signal: call.signal,
            fields,
          })
        );
      });
      const result = decodePayload(decodeCallResponse(answer), "result", payload);
      record.succeeded();
      return result;
    } catch (error) {
      record.failed(error, call.signal?.aborted === true);
      throw error;
    }
  }

  #prepare(name: string): PreparedUnary {
    const known = this.#prepared.get(name);
    if (known !== undefined) return known;
    if (this.#prepared.size === MAX_PREPARED) this.#prepared.clear();
    const prepared = prepareRequest(WorkerService.method.call, {
      fields: [ROUTINE_HEADER, name],
      limits: this.#options.limits,
    });
    this.#prepared.set(name, prepared);
    return prepared;
  }
}

const NO_OPTIONS: CallOptions = {};
const NO_TAGS: readonly string[] = [];
