import type { ConnectError, ContextValues } from "@connectrpc/connect";
import type { UniversalServerRequest, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { endStreamFlag } from "@connectrpc/connect/protocol-connect";
import { trailerFlag } from "@connectrpc/connect/protocol-grpc-web";
import {
  ErrorCode,
  type HeaderList,
  type Stream,
  type StreamEnd,
  type StreamReceiver,
} from "../../http2/mod.ts";
import { arrivedTooLate, notAnswered, timedOut } from "../wire/call_errors.ts";
import { answerStatus } from "./answer_status.ts";
import { BodyReader } from "../wire/body_reader.ts";
import { type Deadline, expireAfter, type Expiring } from "../../platform/mod.ts";
import type { GatherBudget } from "../wire/gather_budget.ts";
import { appendFields, headersOf } from "../wire/header_fields.ts";
import { inflateWithin } from "../wire/inflation.ts";
import { type AnswerObserver, plainCallKey, type RunningPlainCall } from "./call_context.ts";
import { refusalKey } from "./refusal.ts";
import { type RequestFacts, urlOf } from "./request_facts.ts";
import type { RpcLimits } from "../wire/limits.ts";
import { formatGrpcTimeout } from "../wire/timeout_field.ts";
import type { JsonOptions } from "../wire/json_options.ts";
import type { Route } from "./router.ts";
import { reasonOfCallerGone } from "../wire/stream_failure.ts";
import type { Share } from "./turns.ts";
import { WholeBody, WholeEnvelopes } from "../wire/whole_messages.ts";
import { NO_BYTES, readingTime } from "../../values/mod.ts";

/** One request on its way to a route. */
export interface ArrivedRequest {
  readonly stream: Stream;
  readonly fields: HeaderList;
  readonly facts: RequestFacts;
  readonly route: Route;
  readonly limits: RpcLimits;
  /** How messages are written to JSON. */
  readonly json: JsonOptions | undefined;
  /** What the messages of its connection may take while they are received. */
  readonly budget: GatherBudget;
  /** When calls of its connection begin on the plain path. */
  readonly share: Share;
  /** When its time is over, on the scale of `performance.now()`. */
  readonly deadline: number | undefined;
  /** Reports an error of our own in handling it. */
  fault(error: unknown): void;
}

/** Whether a request's time is over before it has begun: its implementation is not run for it. */
export function isTooLate({ deadline }: ArrivedRequest): boolean {
  if (deadline === undefined) return false;
  const leftMs = deadline - readingTime();
  return leftMs <= 0 || leftMs < NEAR_MS && performance.now() >= deadline;
}

/**
 * A deadline that was so near when the request arrived is compared with the clock, which takes as long as 2 % of a
 * call: what was read together, 16 calls at most, may have run for longer than the reading's time tells.
 */
const NEAR_MS = 1_000;

/** A call on the plain path: connect-es reads the request and writes the response, in whatever protocol and form. */
export class PlainCall implements StreamReceiver, Expiring, RunningPlainCall {
  readonly #request: ArrivedRequest;
  readonly #body: BodyReader;
  readonly #abort = new AbortController();
  #receiving: Deadline | undefined;
  #gone: StreamEnd | undefined;
  #begun = false;
  /** All of the response has been handed to the stream. */
  #answered = false;
  #writable: (() => void) | undefined;
  #ended: Promise<unknown> | undefined;
  #left: ((error?: ConnectError) => void) | undefined;
  #deadline: Deadline | undefined;
  /** What is left to write is little: its reader does not hold it up. */
  #isEnding = false;
  #observer: AnswerObserver | undefined;

  /** @param credited bytes at the beginning of the body whose credit the peer has already. */
  constructor(request: ArrivedRequest, credited = 0) {
    this.#request = request;
    const { stream, route, limits } = request;
    this.#body = new BodyReader({
      release: (count) => stream.release(count),
      abandoned: () => {},
    }, credited);
    const kind = route.method.methodKind;
    if (limits.receiveTimeoutMs > 0 && (kind === "unary" || kind === "server_streaming")) {
      this.#receiving = expireAfter(limits.receiveTimeoutMs, this);
    }
  }

  /** Whether the stream has ended, on either side. */
  get isGone(): boolean {
    return this.#gone !== undefined;
  }

  runsUntil(ended: Promise<unknown>): void {
    this.#ended = Promise.allSettled([this.#ended, ended]);
  }

  endNow(): void {
    this.#isEnding = true;
    this.writable();
  }

  get hasDeadline(): boolean {
    return this.#request.deadline !== undefined;
  }

  observeAnswer(observer: AnswerObserver): void {
    this.#observer = observer;
  }

  onGone(left: (error?: ConnectError) => void): void {
    if (this.#gone === undefined) this.#left = left;
    else left();
  }

  /** Bytes of the body that have arrived and not been read. */
  get heldBytes(): number {
    return this.#body.heldBytes;
  }

  /** Whether anybody has begun to answer it. */
  get begun(): boolean {
    return this.#begun;
  }

  data(bytes: Uint8Array, endStream: boolean): void {
    this.#body.push(bytes);
    if (endStream) this.requestEnded();
  }

  trailers(_fields: HeaderList): void {
    this.requestEnded();
  }

  writable(): void {
    const resolve = this.#writable;
    this.#writable = undefined;
    resolve?.();
  }

  closed(end: StreamEnd): void {
    this.#gone = end;
    this.#receiving?.cancel();
    this.#deadline?.cancel();
    if (this.#begun && !this.#answered) {
      const reason = reasonOfCallerGone(end);
      this.#abort.abort(reason);
      this.#body.fail(reason);
      this.#leave();
    }
    this.writable();
  }

  /** The request took longer to arrive than it may. */
  expired(): void {
    this.#body.fail(arrivedTooLate());
  }

  /** The request's direction has ended. */
  requestEnded(): void {
    this.#receiving?.cancel();
    this.#body.end();
  }

  /** Answers the call. Resolves when the implementation has finished; never rejects. */
  async answer(values: ContextValues): Promise<void> {
    // Not before what came with the request is read: one that is reset in the same breath costs little.
    await this.#request.share.turn();
    if (this.#gone !== undefined) return this.#body.abandon();
    this.#begun = true;
    if (isTooLate(this.#request) && values.get(refusalKey) === undefined) {
      values.set(refusalKey, { error: timedOut() });
    }
    if (values.get(refusalKey) !== undefined) this.#isEnding = true;
    else this.#armDeadline();
    const { route, fields, facts, stream, budget } = this.#request;
    const header = headersOf(fields);
    if (header === undefined) {
      answerStatus(stream, 400);
      return;
    }
    limitTimeout(header, facts);
    try {
      const request: UniversalServerRequest = {
        httpVersion: "2.0",
        url: urlOf(fields),
        method: facts.httpMethod,
        header,
        body: wholeMessages(this.#body, this.#request, header),
        signal: this.#abort.signal,
        contextValues: values.set(plainCallKey, this),
      };
      await inflateWithin(budget, async () => this.#send(await route.handler(request)));
    } catch (error) {
      // connect-es answers what implementations throw; this is what it could not answer.
      if (this.#gone === undefined) {
        this.#request.fault(error);
        stream.reset(ErrorCode.INTERNAL_ERROR);
      }
      this.#report(false);
    } finally {
      this.#report(true);
      this.#body.abandon();
      this.#receiving?.cancel();
      this.#deadline?.cancel();
    }
    await this.#ended;
  }

  /** Of one that answers once the signal aborts, and nothing more, as on the fast path. */
  #armDeadline(): void {
    const { deadline, route } = this.#request;
    if (deadline === undefined || route.method.methodKind === "unary") return;
    this.#deadline = expireAfter(deadline - performance.now(), { expired: () => this.#late() });
  }

  /** The time of a stream is over, however little its caller reads. */
  #late(): void {
    if (this.#gone !== undefined || this.#answered) return;
    this.#leave(timedOut());
    this.endNow();
  }

  #leave(error?: ConnectError): void {
    const left = this.#left;
    this.#left = undefined;
    left?.(error);
  }

  /** Reports what became of the answer, once; where nobody waits for it, it is as good as written. */
  #report(isWritten: boolean): void {
    const observer = this.#observer;
    if (observer === undefined) return;
    this.#observer = undefined;
    if (isWritten || this.#gone !== undefined) observer.succeeded();
    else observer.failed(notAnswered(), false);
  }

  async #send(response: UniversalServerResponse): Promise<void> {
    const iterator = response.body?.[Symbol.asyncIterator]();
    if (this.#gone !== undefined) {
      await stop(iterator, this.#abort.signal.reason);
      return;
    }
    const { stream } = this.#request;
    if (isOneMessage(this.#request)) this.#report(response.status === 200);
    const trailer: string[] = [];
    const section = [":status", String(response.status)];
    if (response.header !== undefined) appendFields(section, response.header);
    const length = response.header?.get("content-length") ?? null;
    // There connect-es has written it.
    if (length !== null && isOneMessage(this.#request)) section.push("content-length", length);
    this.#answered = iterator === undefined;
    stream.sendHeaders(section, iterator === undefined);
    if (iterator !== undefined) {
      if (!await this.#sendBody(iterator)) return;
      this.#answered = true;
      if (response.trailer !== undefined) appendFields(trailer, response.trailer);
      if (trailer.length > 0) stream.sendTrailers(trailer);
      else stream.sendData(NO_BYTES, true);
    }
  }

  /** Whether the response goes on only once its caller has read: the implementation waits, and has its place. */
  #isHeldUp(written: Uint8Array): boolean {
    if (this.#isEnding || this.#request.route.method.methodKind === "unary") return false;
    return this.#request.facts.protocol === "grpc" || (written[0]! & END_FLAGS) === 0;
  }

  /** Returns `false` where the caller is gone. */
  async #sendBody(iterator: AsyncIterator<Uint8Array>): Promise<boolean> {
    for (;;) {
      const next = await iterator.next();
      // What cannot be written has no envelope but that of the end.
      if (this.#gone === undefined) this.#report(!next.done && (next.value[0]! & END_FLAGS) === 0);
      if (this.#gone === undefined && next.done === true) return true;
      if (
        this.#gone === undefined && !this.#request.stream.sendData(next.value, false) &&
        this.#isHeldUp(next.value)
      ) {
        await new Promise<void>((resolve) => this.#writable = resolve);
      }
      if (this.#gone !== undefined) {
        await stop(iterator, this.#abort.signal.reason);
        return false;
      }
    }
  }
}

/** connect-es sets a timer of the platform, which fires at once where the time is longer than it can wait: 24 days then. */
function limitTimeout(header: Headers, { protocol, timeoutMs = 0 }: RequestFacts): void {
  if (timeoutMs <= LONGEST_TIMEOUT_MS) return;
  if (protocol === "connect") header.set("connect-timeout-ms", String(LONGEST_TIMEOUT_MS));
  else header.set("grpc-timeout", formatGrpcTimeout(LONGEST_TIMEOUT_MS));
}

/** The longest delay of the platform's timers, in whole seconds, as which it may be written. */
const LONGEST_TIMEOUT_MS = Math.floor((2 ** 31 - 1) / 1000) * 1000;

/** The flags of the last envelope of a response, in Connect and in gRPC-Web. */
const END_FLAGS = endStreamFlag | trailerFlag;

/** Runs the rest of a response that no caller waits for, the implementation's `finally` included. */
async function stop(
  iterator: AsyncIterator<Uint8Array> | undefined,
  reason: unknown,
): Promise<void> {
  try {
    await iterator?.throw?.(reason);
  } catch {
    // The reason, or what the implementation threw instead; no caller is left to receive it.
  }
}

/** The body in whole messages; the promise of its length is kept here, connect-es would take room for it. */
function wholeMessages(
  body: BodyReader,
  request: ArrivedRequest,
  header: Headers,
): AsyncIterable<Uint8Array> {
  const { facts, limits, budget } = request;
  if (!isOneMessage(request)) return new WholeEnvelopes(body, limits.messageBytes, { budget });
  header.delete("content-length");
  return new WholeBody(body, limits.messageBytes, {
    budget,
    promisedBytes: facts.contentLength,
  });
}

/** Whether a body is one message without an envelope: that of a unary call of Connect. */
function isOneMessage({ facts, route }: ArrivedRequest): boolean {
  return facts.protocol === "connect" && route.method.methodKind === "unary";
}
