/**
 * Fast path: a call that is answered once is settled by what arrives for its first attempt. Through the promises of
 * the exchange, of the attempts and of the call, each of many answers that were read together waited three times for
 * all the others, so that no next call left before all of them had been read. Whatever else becomes of an attempt goes
 * the plain path, {@linkcode Attempts}, on which every other call is made; what this brought is in
 * `docs/performance-changes.md`.
 */
import type { HeaderList } from "../../http2/mod.ts";
import {
  type PreparedUnary,
  sendUnaryBytes,
  type UnaryReceiver,
  type UnaryResponseBytes,
} from "../../rpc/mod.ts";
import type { Link } from "../endpoint/link.ts";
import type { Attempt, Attempts } from "./attempts.ts";
import { AttemptOptions } from "./begun_call.ts";
import type { RequestFields } from "./call_settings.ts";
import { type PlacedCall, remainingMs } from "./placed_call.ts";
import { fillsLargeBuffer, freeGivenAway } from "../../values/mod.ts";

/** A call that is answered once; a subclass says what it is answered with. */
export abstract class AttemptedCall<Result> implements UnaryReceiver {
  protected readonly call: PlacedCall;
  readonly #attempts: Attempts;
  readonly #request: PreparedUnary;
  readonly #message: Uint8Array;
  readonly #fields: RequestFields | undefined;
  readonly #resolve: (result: Result) => void;
  readonly #reject: (error: unknown) => void;
  #attempt: Attempt | undefined;

  /** With the fields that its request carries beyond the prepared ones; nothing is sent before `begin`. */
  constructor(
    attempts: Attempts,
    call: PlacedCall,
    request: PreparedUnary,
    message: Uint8Array,
    fields: RequestFields | undefined,
    resolve: (result: Result) => void,
    reject: (error: unknown) => void,
  ) {
    this.call = call;
    this.#attempts = attempts;
    this.#request = request;
    this.#message = message;
    this.#fields = fields;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Reads the result; the call has succeeded where this does not throw. */
  protected abstract read(response: UnaryResponseBytes): Result;

  /** Records that the call has failed, and returns what its caller gets. */
  protected abstract failure(error: unknown): unknown;

  /** Makes the first attempt; `now` is the time, by `performance.now()`. */
  begin(now: number): void {
    try {
      this.#attempt = this.#attempts.begin(this.call, now);
    } catch (error) {
      // A balancer of the program's own threw.
      return this.#reject(this.failure(error));
    }
    if (this.#attempt === undefined) return this.#goOn(undefined);
    try {
      this.#send(this.#attempt.link, this, now);
    } catch (error) {
      this.failed(error);
    }
  }

  answered(response: UnaryResponseBytes): void {
    this.#attempts.answered(this.#attempt!);
    let result: Result;
    try {
      result = this.read(response);
    } catch (error) {
      return this.#reject(this.failure(error));
    }
    this.#resolve(result);
  }

  ended(): void {
    if (fillsLargeBuffer(this.#message)) freeGivenAway(this.#message);
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
  ): Promise<Result> {
    try {
      const once = (link: Link) =>
        new Promise<UnaryResponseBytes>((answered, failed) => {
          this.#send(link, { answered, failed }, performance.now());
        });
      return this.read(await this.#attempts.again(this.call, once, failed));
    } catch (error) {
      throw this.failure(error);
    }
  }

  #send(link: Link, receiver: UnaryReceiver, now: number): void {
    const found = this.#attempts.fields(this.call, this.#fields, link);
    if (!(found instanceof Promise)) return this.#sendWith(found, link, receiver, now);
    found.then((fields) => this.#sendWith(fields, link, receiver, undefined))
      .catch((error) => receiver.failed(error));
  }

  #sendWith(
    fields: HeaderList | undefined,
    { connection }: Link,
    receiver: UnaryReceiver,
    now: number | undefined,
  ): void {
    const timeoutMs = remainingMs(this.call, now);
    const options = new AttemptOptions(timeoutMs, this.call.signal, fields, now);
    sendUnaryBytes(connection, this.#request, this.#message, options, receiver);
  }
}
