import type { DescMethod } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import { ErrorCode, type StreamEnd } from "../../http2/mod.ts";
import { arrivedTooLate, callFailed, timedOut, tooLargeToSend } from "../wire/call_errors.ts";
import { type Deadline, expireAfter } from "../../platform/mod.ts";
import { reasonOfCallerGone } from "../wire/stream_failure.ts";
import { streamTurn } from "../wire/stream_turn.ts";
import type { BytesAnswers, BytesRequests, FlowingAnswers } from "./bytes_call.ts";
import type { Admitted } from "./admission.ts";
import { FastCall } from "./fast_call.ts";
import { type ArrivedRequest, isTooLate } from "./plain_call.ts";
import { RequestMessages } from "./request_messages.ts";
import { ConnectStreamResponse } from "./connect_stream_response.ts";
import { GrpcStreamResponse } from "./grpc_stream_response.ts";
import type { StreamResponse } from "./stream_response.ts";

/** Runs an implementation on the fast path. */
export type StreamHandler = (requests: BytesRequests, call: StreamCall) => BytesAnswers;

/**
 * A call of Connect or gRPC with a stream either way in uncompressed binary form, from bytes to bytes. Refusals
 * are answered by a {@linkcode PlainCall}, so that they are answered exactly as there.
 */
export class StreamCall extends FastCall<DescMethod> {
  readonly #handler: StreamHandler;
  readonly #requests: RequestMessages;
  readonly #response: StreamResponse;
  #messages: BytesAnswers | undefined;
  #writable: (() => void) | undefined;
  /** Why the call ended, where it was not by itself. */
  #reason: ConnectError | undefined;
  /** Settles once the implementation of a call that was ended has ended. */
  #ended: Promise<unknown> | undefined;
  /** Ends a request of one message that takes longer to arrive than it may. */
  #receiving: Deadline | undefined;

  constructor(
    request: ArrivedRequest,
    handler: StreamHandler,
    peer: unknown,
  ) {
    super(request, peer);
    this.#handler = handler;
    const { limits, budget, stream, route, facts } = request;
    const isGrpc = facts.protocol === "grpc";
    this.#response = isGrpc
      ? new GrpcStreamResponse(request, this)
      : new ConnectStreamResponse(request, this);
    const release = (count: number) => stream.release(count);
    this.#requests = new RequestMessages(limits.messageBytes, budget, release, !isGrpc);
    if (limits.receiveTimeoutMs > 0 && route.method.methodKind === "server_streaming") {
      this.#receiving = expireAfter(limits.receiveTimeoutMs, {
        expired: () => this.#requests.fail(arrivedTooLate()),
      });
    }
  }

  data(bytes: Uint8Array, endStream: boolean): void {
    if (this.plain !== undefined) this.plain.data(bytes, endStream);
    else {
      this.#requests.push(bytes);
      this.waiting?.received(bytes.byteLength);
      if (endStream) this.requestEnded();
    }
  }

  lent(bytes: Uint8Array, endStream: boolean): void {
    if (this.plain !== undefined) return this.plain.data(bytes.slice(), endStream);
    this.#requests.lend(bytes);
    this.waiting?.received(bytes.byteLength);
    if (endStream) this.requestEnded();
  }

  override writable(): void {
    super.writable();
    this.#response.writable();
    const resolve = this.#writable;
    this.#writable = undefined;
    resolve?.();
  }

  closed(end: StreamEnd): void {
    this.gone = end;
    this.waiting?.gone();
    if (this.plain !== undefined) this.plain.closed(end);
    else if (this.state === "running") this.#leave(reasonOfCallerGone(end));
    // One that was left, at its deadline, counts until its implementation has ended.
    else if (this.#reason === undefined) this.finish();
  }

  expired(): void {
    this.#endWith(timedOut());
  }

  override endNow(error: ConnectError, ended: Promise<unknown>): void {
    this.#ended = ended;
    this.#endWith(error);
  }

  requestEnded(): void {
    this.requestIsWhole = true;
    this.#receiving?.cancel();
    this.plain?.requestEnded();
    this.#requests.end();
  }

  admitted(admission: Admitted<unknown>): void {
    this.context = admission.context;
    this.admission = admission;
    this.waiting = undefined;
    if (this.gone !== undefined) this.finish();
    // Not before what came with the request is read: one that is reset in the same breath costs little.
    else queueMicrotask(() => this.#begin());
  }

  refused(error: ConnectError): void {
    this.waiting = undefined;
    if (this.gone !== undefined) return;
    this.#requests.abandon();
    const plain = this.handOver();
    if (this.requestIsWhole) plain.requestEnded();
    this.answerWith(plain, { error });
  }

  #begin(): void {
    if (this.gone !== undefined) return;
    if (isTooLate(this.request)) {
      void this.#answerEnd(timedOut());
      this.finish();
      return;
    }
    this.state = "running";
    void this.#run(this.#requests);
    this.#armDeadline();
  }

  async #run(requests: RequestMessages): Promise<void> {
    try {
      const messages = this.#messages = this.#handler(requests, this);
      if ("flow" in messages) {
        await messages.flow({
          send: (message) => this.#flowing(message, messages),
          flush: () => this.request.stream.flush(),
        });
      } else await this.#iterate(messages);
      await this.#complete(undefined);
    } catch (error) {
      // What is thrown may be nothing, which is no success.
      await this.#complete(error ?? new Error("nothing was thrown"));
    }
  }

  async #iterate(messages: AsyncIterator<Uint8Array, unknown>): Promise<void> {
    for await (const message of { [Symbol.asyncIterator]: () => messages }) {
      if (this.#isOver) return;
      const ready = this.#sent(message, false);
      if (ready !== true && !await ready) await this.#untilWritable();
      if (this.#isOver) return;
    }
  }

  /** Sends a message as it comes; goes on when the stream takes more, and there is time left in the turn. */
  #flowing(message: Uint8Array, messages: FlowingAnswers): boolean {
    if (this.#isOver) return false;
    const ready = this.#sent(message, true);
    streamTurn.count(1);
    if (ready === true && !streamTurn.isOver) return true;
    void this.#resumeAfter(ready, messages);
    return false;
  }

  async #resumeAfter(ready: boolean | Promise<boolean>, messages: FlowingAnswers): Promise<void> {
    try {
      if (!await ready) await this.#untilWritable();
      if (streamTurn.isOver) await streamTurn.next();
      if (!this.#isOver) messages.resume();
    } catch (error) {
      Promise.try(() => messages.return?.()).catch(() => {});
      await this.#complete(error);
    }
  }

  #sent(message: Uint8Array, isGivenAway: boolean): boolean | Promise<boolean> {
    const { limits } = this.request;
    if (message.byteLength > limits.sendBytes) throw tooLargeToSend(message.byteLength, limits);
    return this.#response.message(message, isGivenAway);
  }

  /** The implementation has finished; what it does after it was left is of no interest. */
  async #complete(error: unknown): Promise<void> {
    if (this.#isOver) return;
    this.state = "over";
    if (this.abort?.signal.aborted === false) this.abort.abort(error);
    // Who still reads, of a call that was denied for instance, must not take what there was for all of it.
    if (error !== undefined) this.#requests.fail(callFailed(error));
    await this.#answerEnd(error);
    this.finish();
  }

  async #answerEnd(error: unknown): Promise<void> {
    try {
      await this.#response.end(error);
    } catch (error) {
      // Details that cannot be written, as on the plain path.
      this.request.fault(error);
      this.request.stream.reset(ErrorCode.INTERNAL_ERROR);
    }
  }

  /** Answers with an error whatever the implementation still does, and however little its caller reads. */
  #endWith(error: ConnectError): void {
    if (this.state !== "running") return;
    this.#leave(error);
    void this.#answerEnd(error);
  }

  /** Ends the implementation: no caller waits for it any more. It runs, and counts, until it has ended. */
  #leave(reason: ConnectError): void {
    this.#reason = reason;
    this.abort?.abort(reason);
    this.#requests.fail(reason);
    Promise.try(() => this.#messages?.return?.()).catch(() => {}).then(() => this.release());
    this.end();
  }

  protected override end(): void {
    super.end();
    this.#receiving?.cancel();
    this.#requests.abandon();
    this.writable();
  }

  protected override release(): void {
    if (this.#ended === undefined) return super.release();
    void this.#ended.catch(() => {}).then(() => super.release());
  }

  #armDeadline(): void {
    if (this.deadline === undefined || this.#isOver) return;
    const left = this.deadline - performance.now();
    if (left > 0) this.timer = expireAfter(left, this);
    else this.expired();
  }

  get #isOver(): boolean {
    return this.state === "over";
  }

  /** The stream may have taken more already, while what sending returned was awaited. */
  async #untilWritable(): Promise<void> {
    if (this.#isOver || !this.#response.isBlocked) return;
    await new Promise<void>((resolve) => this.#writable = resolve);
  }

  protected override get heldBytes(): number {
    return this.#requests.heldBytes;
  }

  protected override createAbort(): AbortController {
    const controller = new AbortController();
    if (this.#reason !== undefined) controller.abort(this.#reason);
    else if (this.#isOver) controller.abort();
    return controller;
  }
}
