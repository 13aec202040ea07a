/**
 * Fast path: a call of a routine that answers once is settled by what arrives for its first attempt. Through the
 * promises of the exchange, of the attempts and of the call, each of many answers that were read together waited three
 * times for all the others, so that no next call left before all of them had been read. Whatever else becomes of an
 * attempt goes the plain path, {@linkcode Attempts}, on which every other call is made; what this brought is in
 * `docs/performance.md`.
 */
import type { HeaderList } from "../../http2/mod.ts";
import { decodeCallResponse, decodePayload, type PayloadLimits } from "../../routine/mod.ts";
import {
  type PreparedUnary,
  sendUnaryBytes,
  type UnaryReceiver,
  type UnaryResponseBytes,
} from "../../rpc/mod.ts";
import type { Link } from "../endpoint/link.ts";
import type { Attempt, Attempts } from "./attempts.ts";
import { AttemptOptions, type BegunCall } from "./begun_call.ts";
import { remainingMs } from "./placed_call.ts";

/** What all calls of a dispatcher are made with. */
export interface ResultCallGround {
  readonly attempts: Attempts;
  /** The limits of results. */
  readonly payload: PayloadLimits;
}

/**
 * Makes a call and reads its result.
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

class ResultCall implements UnaryReceiver {
  readonly #ground: ResultCallGround;
  readonly #begun: BegunCall;
  readonly #request: PreparedUnary;
  readonly #message: Uint8Array;
  readonly #resolve: (result: unknown) => void;
  readonly #reject: (error: unknown) => void;
  #attempt: Attempt | undefined;

  constructor(
    ground: ResultCallGround,
    begun: BegunCall,
    request: PreparedUnary,
    message: Uint8Array,
    resolve: (result: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    this.#ground = ground;
    this.#begun = begun;
    this.#request = request;
    this.#message = message;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  begin(now: number): void {
    try {
      this.#attempt = this.#ground.attempts.begin(this.#begun.call, now);
    } catch (error) {
      // A balancer of the program's own threw.
      return this.#fail(error);
    }
    if (this.#attempt === undefined) return this.#goOn(undefined);
    try {
      this.#send(this.#attempt.link, this, now);
    } catch (error) {
      this.failed(error);
    }
  }

  answered({ message }: UnaryResponseBytes): void {
    this.#ground.attempts.answered(this.#attempt!);
    let result: unknown;
    try {
      result = this.#read(message);
    } catch (error) {
      return this.#fail(error);
    }
    this.#resolve(result);
  }

  failed(thrown: unknown): void {
    this.#goOn({ attempt: this.#attempt!, thrown });
  }

  /** Goes on along the plain path; through `then`, so that what is thrown shows where the program called. */
  #goOn(failed: { readonly attempt: Attempt; readonly thrown: unknown } | undefined): void {
    this.#again(failed).then(this.#resolve, this.#reject);
  }

  async #again(
    failed: { readonly attempt: Attempt; readonly thrown: unknown } | undefined,
  ): Promise<unknown> {
    const { call, record } = this.#begun;
    try {
      const once = (link: Link) =>
        new Promise<UnaryResponseBytes>((answered, failed) => {
          this.#send(link, { answered, failed }, performance.now());
        });
      const { message } = await this.#ground.attempts.again(call, once, failed);
      return this.#read(message);
    } catch (error) {
      record.failed(error, call.signal?.aborted === true);
      throw error;
    }
  }

  #send(link: Link, receiver: UnaryReceiver, now: number): void {
    const { call, fields } = this.#begun;
    const timeoutMs = remainingMs(call, now);
    const found = fields?.(link);
    if (!(found instanceof Promise)) return this.#sendWith(found, link, receiver, timeoutMs, now);
    found.then((fields) => this.#sendWith(fields, link, receiver, timeoutMs, undefined))
      .catch((error) => receiver.failed(error));
  }

  #sendWith(
    fields: HeaderList | undefined,
    { connection }: Link,
    receiver: UnaryReceiver,
    timeoutMs: number | undefined,
    now: number | undefined,
  ): void {
    const options = new AttemptOptions(timeoutMs, this.#begun.call.signal, fields, now);
    sendUnaryBytes(connection, this.#request, this.#message, options, receiver);
  }

  #read(message: Uint8Array): unknown {
    const result = decodePayload(decodeCallResponse(message), "result", this.#ground.payload);
    this.#begun.record.succeeded();
    return result;
  }

  #fail(error: unknown): void {
    const { call, record } = this.#begun;
    record.failed(error, call.signal?.aborted === true);
    this.#reject(error);
  }
}
