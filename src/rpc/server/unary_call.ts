import type { DescMethodUnary } from "@bufbuild/protobuf";
import { type ConnectError, createContextValues } from "@connectrpc/connect";
import { ErrorCode, type StreamEnd } from "../../http2/mod.ts";
import { timedOut, tooLargeToSend } from "../wire/call_errors.ts";
import { expireAfter } from "../../platform/mod.ts";
import { ENVELOPE_BYTES, soleMessage } from "../wire/envelope.ts";
import { expectedBytes, Gathered } from "../wire/gathered.ts";
import { reasonOfCallerGone } from "../wire/stream_failure.ts";
import type { Admitted } from "./admission.ts";
import { callContext } from "./call_context.ts";
import { FastCall } from "./fast_call.ts";
import { type ArrivedRequest, isTooLate, type PlainCall } from "./plain_call.ts";
import type { Refusal } from "./refusal.ts";
import type { ResponseMetadata } from "./response_metadata.ts";
import { responseCompression, sendMessage } from "./unary_response.ts";

/** Runs an implementation on the fast path. */
export type UnaryHandler = (
  request: Uint8Array,
  call: UnaryCall,
) => Uint8Array | PromiseLike<Uint8Array>;

/**
 * A unary call in uncompressed binary form, over Connect or gRPC, without `Headers`, streams, timers or
 * an `AbortController` unless the implementation asks for one.
 *
 * Whatever is out of the ordinary (a malformed or oversized request, a refusal, an error thrown) is
 * handed to a {@linkcode PlainCall}, so that it is answered exactly as there.
 */
export class UnaryCall extends FastCall<DescMethodUnary> {
  readonly #handler: UnaryHandler;
  /** An error was answered, whatever else happens. */
  #answered = false;
  readonly #body: Gathered;
  #length = 0;
  /** Bytes whose credit went back to the peer. */
  #credited = 0;

  constructor(request: ArrivedRequest, handler: UnaryHandler, peer: unknown) {
    super(request, peer);
    this.#handler = handler;
    this.#body = new Gathered(request.budget);
    if (request.limits.receiveTimeoutMs > 0) armUnlessComplete(this);
  }

  data(bytes: Uint8Array, endStream: boolean): void {
    if (this.plain !== undefined) {
      this.plain.data(bytes, endStream);
      return;
    }
    this.#arrived(bytes, false, endStream);
  }

  lent(bytes: Uint8Array, endStream: boolean): void {
    if (this.plain !== undefined) this.plain.data(bytes.slice(), endStream);
    else this.#arrived(bytes, true, endStream);
  }

  #arrived(bytes: Uint8Array, isLent: boolean, endStream: boolean): void {
    this.#length += bytes.byteLength;
    if (!this.#gather(bytes, isLent)) return;
    this.waiting?.received(bytes.byteLength);
    if (this.admission !== undefined) this.#credit();
    if (endStream) this.requestEnded();
  }

  closed(end: StreamEnd): void {
    this.gone = end;
    this.waiting?.gone();
    this.timer?.cancel();
    if (this.plain !== undefined) this.plain.closed(end);
    else if (this.state === "arriving") this.#end(undefined);
    else if (this.state === "running") this.abort?.abort(reasonOfCallerGone(end));
  }

  /** The deadline has passed, or the request took longer to arrive than it may. */
  expired(): void {
    if (this.state === "running") this.abort?.abort(timedOut());
    else if (this.state === "arriving") this.#fallBack(this.#body.take()).expired();
  }

  /** Whether the rest of the request is waited for. */
  get isArriving(): boolean {
    return this.state === "arriving" && !this.requestIsWhole && this.gone === undefined;
  }

  /** Waits for the rest of the request no longer than it may take. */
  armReceiving(now: number): void {
    this.timer = expireAfter(this.request.limits.receiveTimeoutMs, this, now);
    this.#body.compact();
  }

  requestEnded(): void {
    this.requestIsWhole = true;
    this.timer?.cancel();
    if (this.plain !== undefined) this.plain.requestEnded();
    else if (this.admission !== undefined) this.#begin();
  }

  admitted(admission: Admitted<unknown>): void {
    this.context = admission.context;
    this.admission = admission;
    this.waiting = undefined;
    if (this.#answered || this.gone !== undefined) this.#end(undefined);
    else if (this.plain !== undefined) this.#answerPlainly(this.plain);
    else if (this.requestIsWhole) this.#begin();
    else this.#takeRest();
  }

  refused(error: ConnectError): void {
    this.waiting = undefined;
    if (this.#answered || this.gone !== undefined) return;
    if (this.plain !== undefined) this.answerWith(this.plain, { error });
    else this.#answerError({ error });
  }

  #begin(): void {
    this.#credit();
    if (isTooLate(this.request)) {
      this.#fail(timedOut());
      return;
    }
    const { facts } = this.request;
    const body = this.#body.take();
    const message = facts.protocol === "grpc" ? soleMessage(body) : body;
    const { contentLength = body.byteLength } = facts;
    if (
      message === undefined || contentLength !== body.byteLength ||
      message.byteLength > this.request.limits.messageBytes
    ) {
      this.#fallBack(body);
      return;
    }
    this.state = "running";
    let response: Uint8Array | PromiseLike<Uint8Array>;
    try {
      response = this.#handler(message, this);
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (response instanceof Uint8Array) this.#respond(response);
    else response.then((bytes) => this.#respond(bytes), (error) => this.#fail(error));
  }

  #respond(message: Uint8Array): void {
    const { limits } = this.request;
    if (message.byteLength > limits.sendBytes) {
      this.#fail(tooLargeToSend(message.byteLength, limits));
      return;
    }
    const compression = responseCompression(this.request, message);
    if (compression === undefined) this.#send(message, undefined);
    else {
      compression.compress(message).then(
        (compressed) => this.#send(compressed, compression.name),
        (error) => this.#fail(error),
      );
    }
  }

  #send(message: Uint8Array, compression: string | undefined): void {
    try {
      if (this.gone === undefined) sendMessage(this.request, message, compression, this.metadata);
      this.#end(undefined);
    } catch (error) {
      // A field that cannot be sent, as on the plain path.
      this.request.fault(error);
      this.request.stream.reset(ErrorCode.INTERNAL_ERROR);
      this.#end(error);
    }
  }

  #fail(error: unknown): void {
    this.#end(error);
    if (this.gone !== undefined) return;
    const { header, trailer } = this.metadata ?? NO_METADATA;
    this.#answerError({ error, responseHeader: header, responseTrailer: trailer });
  }

  #end(error: unknown): void {
    this.#body.drop();
    if (this.abort?.signal.aborted === false) this.abort.abort(error);
    this.finish();
  }

  #answerError(refusal: Refusal): void {
    this.#credit();
    this.#answered = true;
    this.state = "over";
    this.#body.drop();
    const plain = this.handOver(this.#credited);
    if (this.requestIsWhole) plain.requestEnded();
    this.answerWith(plain, refusal);
  }

  /** Bytes of a body that are taken. */
  get #mostBytes(): number {
    return this.request.limits.messageBytes + ENVELOPE_BYTES;
  }

  /** Returns `false` where the call goes on as a plain one. */
  #gather(bytes: Uint8Array, isLent: boolean): boolean {
    const mostBytes = this.#mostBytes;
    if (this.#body.length + bytes.byteLength > mostBytes) {
      this.#fallBack(this.#body.take(), isLent ? bytes.slice() : bytes);
      return false;
    }
    const wholeBytes = expectedBytes(this.request.facts.contentLength, mostBytes);
    try {
      if (isLent) this.#body.copy(bytes, wholeBytes);
      else this.#body.add(bytes, wholeBytes);
      return true;
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  /** Goes on as a plain call, with what has arrived until now. */
  #fallBack(...pieces: readonly Uint8Array[]): PlainCall {
    const plain = this.handOver(this.#credited);
    this.state = "over";
    for (const piece of pieces) plain.data(piece, false);
    if (this.requestIsWhole) plain.requestEnded();
    if (this.admission !== undefined) this.#answerPlainly(plain);
    return plain;
  }

  #answerPlainly(plain: PlainCall): void {
    const { admission } = this;
    this.admission = undefined;
    const values = createContextValues().set(callContext, this.context);
    void plain.answer(values).then(() => admission?.release());
  }

  /** What has not arrived yet is credited as it does, and where it is announced, at once. */
  #takeRest(): void {
    const { stream, facts: { contentLength = 0 } } = this.request;
    if (contentLength > this.#length && contentLength <= this.#mostBytes) stream.takeWhole();
    this.#credit();
  }

  #credit(): void {
    const owed = this.#length - this.#credited;
    if (owed === 0) return;
    this.#credited = this.#length;
    this.request.stream.release(owed);
  }

  protected override get heldBytes(): number {
    return this.#length;
  }

  protected override createAbort(): AbortController {
    const controller = new AbortController();
    if (this.gone !== undefined) controller.abort(reasonOfCallerGone(this.gone));
    else if (this.state === "over") controller.abort();
    else if (this.deadline !== undefined) {
      const left = this.deadline - performance.now();
      if (left <= 0) controller.abort(timedOut());
      else this.timer = expireAfter(left, this);
    }
    return controller;
  }
}

const NO_METADATA: ResponseMetadata = { header: undefined, trailer: undefined };

const arriving: UnaryCall[] = [];

/** Nearly all requests arrive in one piece: only the others, once a turn, are given a timer. */
function armUnlessComplete(call: UnaryCall): void {
  if (arriving.push(call) === 1) queueMicrotask(armArriving);
}

function armArriving(): void {
  let now = 0;
  for (const call of arriving.splice(0)) {
    if (call.isArriving) call.armReceiving(now ||= performance.now());
  }
}
