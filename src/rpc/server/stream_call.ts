import { type ConnectError, createContextValues } from "@connectrpc/connect";
import type { DescMethodBiDiStreaming } from "@bufbuild/protobuf";
import {
  ErrorCode,
  type HeaderList,
  type StreamEnd,
  type StreamReceiver,
} from "../../http2/mod.ts";
import { BodyReader } from "../wire/body_reader.ts";
import { timedOut, tooLargeToSend } from "../wire/call_errors.ts";
import { type Deadline, expireAfter, type Expiring } from "../wire/deadlines.ts";
import type { StreamBytesCall, StreamBytesHandler } from "./stream_bytes.ts";
import { type ArrivedRequest, isTooLate, PlainCall } from "./plain_call.ts";
import { refusalKey } from "./refusal.ts";
import { RequestMessages } from "./request_messages.ts";
import { reasonOfCallerGone } from "../wire/stream_failure.ts";
import { StreamResponse } from "./stream_response.ts";

/**
 * A call of Connect with streams both ways in uncompressed binary form, from bytes to bytes. Refusals
 * are answered by a {@linkcode PlainCall}, so that they are answered exactly as there.
 */
export class StreamCall implements StreamReceiver, StreamBytesCall<unknown, unknown>, Expiring {
  readonly protocol = "connect";
  /** What the call was admitted with. */
  context: unknown;
  readonly peer: unknown;
  readonly #request: ArrivedRequest;
  readonly #handler: StreamBytesHandler<unknown, unknown>;
  readonly #body: BodyReader;
  readonly #response: StreamResponse;
  #state: "arriving" | "running" | "over" = "arriving";
  #requestEnded = false;
  #gone: StreamEnd | undefined;
  #release: (() => void) | undefined;
  #plain: PlainCall | undefined;
  #messages: AsyncIterator<Uint8Array, unknown> | undefined;
  #writable: (() => void) | undefined;
  #timer: Deadline | undefined;
  #abort: AbortController | undefined;
  /** Why the call ended, where it was not by itself. */
  #reason: ConnectError | undefined;

  constructor(
    request: ArrivedRequest,
    handler: StreamBytesHandler<unknown, unknown>,
    peer: unknown,
  ) {
    this.#request = request;
    this.#handler = handler;
    this.peer = peer;
    this.#response = new StreamResponse(request);
    this.#body = new BodyReader({
      release: (count) => request.stream.release(count),
      abandoned: () => {},
    });
  }

  get method(): DescMethodBiDiStreaming {
    return this.#request.route.method as DescMethodBiDiStreaming;
  }

  get fields(): HeaderList {
    return this.#request.fields;
  }

  get timeoutMs(): number | undefined {
    return this.#request.facts.timeoutMs;
  }

  get deadline(): number | undefined {
    return this.#request.deadline;
  }

  get signal(): AbortSignal {
    return (this.#abort ??= this.#createAbort()).signal;
  }

  data(bytes: Uint8Array, endStream: boolean): void {
    if (this.#plain !== undefined) this.#plain.data(bytes, endStream);
    else {
      this.#body.push(bytes);
      if (endStream) this.requestEnded();
    }
  }

  trailers(_fields: HeaderList): void {
    this.requestEnded();
  }

  writable(): void {
    this.#plain?.writable();
    const resolve = this.#writable;
    this.#writable = undefined;
    resolve?.();
  }

  closed(end: StreamEnd): void {
    this.#gone = end;
    if (this.#plain !== undefined) this.#plain.closed(end);
    else if (this.#state === "running") this.#leave(reasonOfCallerGone(end));
    else this.#finish();
  }

  /** The deadline has passed. */
  expired(): void {
    if (this.#state !== "running") return;
    const late = timedOut();
    this.#leave(late);
    void this.#answerEnd(late);
  }

  /** The request's direction has ended. */
  requestEnded(): void {
    this.#requestEnded = true;
    this.#plain?.requestEnded();
    this.#body.end();
  }

  /** The call may begin; `release` is called when the implementation has finished. */
  admitted(context: unknown, release: () => void): void {
    this.context = context;
    this.#release = release;
    if (this.#gone !== undefined) this.#finish();
    // Not before what came with the request is read: one that is reset in the same breath costs little.
    else queueMicrotask(() => this.#begin());
  }

  /** The call may not begin. */
  refused(error: ConnectError): void {
    if (this.#gone !== undefined) return;
    this.#body.abandon();
    this.#plain = new PlainCall(this.#request);
    if (this.#requestEnded) this.#plain.requestEnded();
    void this.#plain.answer(createContextValues().set(refusalKey, { error }));
  }

  #begin(): void {
    if (this.#gone !== undefined) return;
    if (isTooLate(this.#request)) {
      void this.#answerEnd(timedOut());
      this.#finish();
      return;
    }
    this.#state = "running";
    const { limits, budget } = this.#request;
    void this.#run(new RequestMessages(this.#body, limits.messageBytes, budget));
    this.#armDeadline();
  }

  async #run(requests: RequestMessages): Promise<void> {
    const { limits } = this.#request;
    try {
      const messages = this.#messages = this.#handler(requests, this);
      for await (const message of { [Symbol.asyncIterator]: () => messages }) {
        if (this.#isOver) return;
        if (message.byteLength > limits.sendBytes) {
          throw tooLargeToSend(message.byteLength, limits);
        }
        const ready = this.#response.message(message);
        if (ready !== true && !await ready) await this.#untilWritable();
        if (this.#isOver) return;
      }
      await this.#complete(undefined);
    } catch (error) {
      await this.#complete(error);
    }
  }

  /** The implementation has finished; what it does after it was left is of no interest. */
  async #complete(error: unknown): Promise<void> {
    if (this.#isOver) return;
    this.#state = "over";
    if (this.#abort?.signal.aborted === false) this.#abort.abort(error);
    await this.#answerEnd(error);
    this.#finish();
  }

  async #answerEnd(error: unknown): Promise<void> {
    try {
      await this.#response.end(error);
    } catch {
      // Details that cannot be written, as on the plain path.
      this.#request.stream.reset(ErrorCode.INTERNAL_ERROR);
    }
  }

  /** Lets the implementation go: nobody waits for it any more. */
  #leave(reason: ConnectError): void {
    this.#state = "over";
    this.#reason = reason;
    this.#abort?.abort(reason);
    this.#body.fail(reason);
    Promise.try(() => this.#messages?.return?.()).catch(() => {});
    this.#finish();
  }

  /** Nothing is kept for the call any more. */
  #finish(): void {
    this.#state = "over";
    this.#timer?.cancel();
    this.#body.abandon();
    this.writable();
    this.#release?.();
    this.#release = undefined;
  }

  #armDeadline(): void {
    if (this.deadline === undefined || this.#isOver) return;
    const left = this.deadline - performance.now();
    if (left > 0) this.#timer = expireAfter(left, this);
    else this.expired();
  }

  get #isOver(): boolean {
    return this.#state === "over";
  }

  #untilWritable(): Promise<void> {
    return new Promise((resolve) => this.#writable = resolve);
  }

  #createAbort(): AbortController {
    const controller = new AbortController();
    if (this.#reason !== undefined) controller.abort(this.#reason);
    else if (this.#isOver) controller.abort();
    return controller;
  }
}
