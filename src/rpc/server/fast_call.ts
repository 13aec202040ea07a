import type { DescMethod } from "@bufbuild/protobuf";
import { type ConnectError, createContextValues } from "@connectrpc/connect";
import type { HeaderList, StreamEnd, StreamReceiver } from "../../http2/mod.ts";
import type { Deadline, Expiring } from "../../platform/mod.ts";
import type { RpcProtocol } from "../wire/protocol.ts";
import type { BytesCall } from "./bytes_call.ts";
import { type ArrivedRequest, PlainCall } from "./plain_call.ts";
import type { Admitted, WaitingCallObserver } from "./admission.ts";
import { type Refusal, refusalKey } from "./refusal.ts";
import type { ResponseMetadata } from "./response_metadata.ts";

/**
 * A call on the fast path, from bytes to bytes. What the path does not answer itself, a refusal for
 * instance, it hands to a {@linkcode PlainCall}, so that it is answered exactly as there.
 */
export abstract class FastCall<Method extends DescMethod>
  implements StreamReceiver, BytesCall<Method, unknown, unknown>, Expiring {
  /** What the call was admitted with. */
  context: unknown;
  readonly peer: unknown;
  /** Response metadata, where the implementation set some. */
  metadata: ResponseMetadata | undefined;
  protected readonly request: ArrivedRequest;
  /** `over`: the implementation has finished, or a plain call has taken over. */
  protected state: "arriving" | "running" | "over" = "arriving";
  protected requestIsWhole = false;
  /** How the stream ended, once it has. */
  protected gone: StreamEnd | undefined;
  /** Gives the call's admission back; `undefined` before it is admitted and after. */
  protected admission: Admitted<unknown> | undefined;
  /** What has taken over. */
  protected plain: PlainCall | undefined;
  protected abort: AbortController | undefined;
  protected timer: Deadline | undefined;
  /** Called with what becomes of the call while it waits to be admitted. */
  protected waiting: WaitingCallObserver | undefined;

  constructor(request: ArrivedRequest, peer: unknown) {
    this.request = request;
    this.peer = peer;
  }

  get method(): Method {
    return this.request.route.method as Method;
  }

  get protocol(): RpcProtocol {
    return this.request.facts.protocol as RpcProtocol;
  }

  get fields(): HeaderList {
    return this.request.fields;
  }

  get timeoutMs(): number | undefined {
    return this.request.facts.timeoutMs;
  }

  get deadline(): number | undefined {
    return this.request.deadline;
  }

  get signal(): AbortSignal {
    return (this.abort ??= this.createAbort()).signal;
  }

  abstract data(bytes: Uint8Array, endStream: boolean): void;
  abstract closed(end: StreamEnd): void;

  trailers(_fields: HeaderList): void {
    this.requestEnded();
  }

  writable(): void {
    this.plain?.writable();
  }

  /** Informs an observer of what becomes of the call while it waits to be admitted. */
  wait(observer: WaitingCallObserver): void {
    this.waiting = observer;
    if (this.gone !== undefined) observer.gone();
    else if (this.heldBytes > 0) observer.received(this.heldBytes);
  }

  /** Only calls with streams end so. */
  endNow(_error: ConnectError, _ended: Promise<unknown>): void {}

  /** Bytes of the body that have arrived and not been read. */
  protected abstract get heldBytes(): number;

  /** The deadline has passed. */
  abstract expired(): void;

  /** The request's direction has ended. */
  abstract requestEnded(): void;

  /** The call may begin; its admission is given back when the implementation has finished. */
  abstract admitted(admission: Admitted<unknown>): void;

  /** The call may not begin. */
  abstract refused(error: ConnectError): void;

  /** Made when the implementation first asks for its signal: already aborted where the call is over. */
  protected abstract createAbort(): AbortController;

  /** Hands the call to a plain one; the peer has credit for `credited` bytes of the body already. */
  protected handOver(credited = 0): PlainCall {
    this.timer?.cancel();
    return this.plain = new PlainCall(this.request, credited);
  }

  /** Has a plain call answer with an error. */
  protected answerWith(plain: PlainCall, refusal: Refusal): void {
    void plain.answer(createContextValues().set(refusalKey, refusal));
  }

  /** The implementation has finished, or will never begin. */
  protected finish(): void {
    this.end();
    this.release();
  }

  /** Nothing more is done for the call. */
  protected end(): void {
    this.state = "over";
    this.timer?.cancel();
  }

  /** Gives the call's admission back. */
  protected release(): void {
    this.admission?.release();
    this.admission = undefined;
  }
}
