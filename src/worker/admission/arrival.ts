import type { DescMethod } from "@bufbuild/protobuf";
import type { ConnectError, HandlerContext } from "@connectrpc/connect";
import { headerValue } from "../../http2/mod.ts";
import { admittedWith, type BytesCall, endNow, fastCallOf } from "../../rpc/mod.ts";
import type { AdmittedCall } from "./admitted_call.ts";
import type { ConnectedPeer } from "../connected_peer.ts";
import type { ArrivedCall } from "../serving/served_call.ts";

/** A call as it arrived, whichever way. */
export interface Arrival extends ArrivedCall {
  readonly admitted: AdmittedCall;
  /** A header of the request. */
  header(name: string): string | undefined;
  /** Whether the caller is gone, or its time is over. */
  readonly cancelled: boolean;
  /** Ends it with an error; it counts until `ended` settles, when its implementation has ended. */
  endNow(error: ConnectError, ended: Promise<unknown>): void;
}

/** One that is answered from its bytes. */
export class ArrivedBytes implements Arrival {
  readonly #call: BytesCall<DescMethod, ConnectedPeer, AdmittedCall>;

  constructor(call: BytesCall<DescMethod, ConnectedPeer, AdmittedCall>) {
    this.#call = call;
  }

  get peer(): ArrivedCall["peer"] {
    return this.#call.peer.caller;
  }

  get signal(): AbortSignal {
    return this.#call.signal;
  }

  get timeoutMs(): number | undefined {
    return this.#call.timeoutMs;
  }

  get deadline(): number | undefined {
    return this.#call.deadline;
  }

  get cancelled(): boolean {
    return this.#call.signal.aborted;
  }

  get admitted(): AdmittedCall {
    return this.#call.context;
  }

  header(name: string): string | undefined {
    return headerValue(this.#call.fields, name);
  }

  endNow(error: ConnectError, ended: Promise<unknown>): void {
    this.#call.endNow(error, ended);
  }
}

/** One that connect-es has read. */
export class ArrivedMessage implements Arrival {
  readonly timeoutMs: number | undefined;
  readonly deadline: number | undefined;
  readonly #context: HandlerContext;

  constructor(context: HandlerContext) {
    this.#context = context;
    this.timeoutMs = context.timeoutMs();
    if (this.timeoutMs !== undefined) this.deadline = performance.now() + this.timeoutMs;
  }

  get peer(): ArrivedCall["peer"] {
    return this.admitted.peer.caller;
  }

  get admitted(): AdmittedCall {
    return admittedOf(this.#context);
  }

  get signal(): AbortSignal {
    return this.#context.signal;
  }

  get cancelled(): boolean {
    return this.#context.signal.aborted;
  }

  header(name: string): string | undefined {
    return this.#context.requestHeader.get(name) ?? undefined;
  }

  endNow(error: ConnectError, ended: Promise<unknown>): void {
    endNow(this.#context, error, ended);
  }
}

/** The call that an implementation of a service is given the context of. */
export function arrivalOf(context: HandlerContext): Arrival {
  const call = fastCallOf(context);
  return call === undefined
    ? new ArrivedMessage(context)
    : new ArrivedBytes(call as BytesCall<DescMethod, ConnectedPeer, AdmittedCall>);
}

/** What a call was admitted with, from what its handler is given. */
export function admittedOf(context: HandlerContext): AdmittedCall {
  return admittedWith(context) as AdmittedCall;
}
