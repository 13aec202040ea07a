import { decodeCallResponse, decodePayload, type PayloadLimits } from "../../routine/mod.ts";
import type { PreparedUnary, UnaryResponseBytes } from "../../rpc/mod.ts";
import { AttemptedCall } from "./attempted_call.ts";
import type { Attempts } from "./attempts.ts";
import type { BegunCall } from "./begun_call.ts";
import { workerOf } from "./placed_call.ts";

/** What all calls of a dispatcher are made with. */
export interface ResultCallGround {
  readonly attempts: Attempts;
  /** The limits of results. */
  readonly payload: PayloadLimits;
}

/**
 * Makes a call of a routine that answers once, and reads its result.
 *
 * @param now the time, by `performance.now()`.
 * @throws {SelvageError} One of them, or the reason of the caller's own signal.
 */
export function resultOf(
  ground: ResultCallGround,
  begun: BegunCall,
  request: PreparedUnary,
  message: Uint8Array,
  now: number,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    new ResultCall(ground, begun, request, message, resolve, reject).begin(now);
  });
}

class ResultCall extends AttemptedCall<unknown> {
  readonly #payload: PayloadLimits;
  readonly #record: BegunCall["record"];

  constructor(
    { attempts, payload }: ResultCallGround,
    { call, record, fields }: BegunCall,
    request: PreparedUnary,
    message: Uint8Array,
    resolve: (result: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    super(attempts, call, request, message, fields, resolve, reject);
    this.#payload = payload;
    this.#record = record;
  }

  protected override read({ message }: UnaryResponseBytes): unknown {
    const result = decodePayload(decodeCallResponse(message), "result", this.#payload);
    this.#record.succeeded();
    return result;
  }

  protected override failure(error: unknown): unknown {
    this.#record.failed(error, this.call.signal?.aborted === true, error, workerOf(this.call));
    return error;
  }
}
