import type { DescMessage, DescMethod, Message } from "@bufbuild/protobuf";
import {
  type ContextKey,
  type ContextValues,
  createContextValues,
  type HandlerContext,
} from "@connectrpc/connect";
import { writeBinary } from "../wire/binary_form.ts";
import type { BytesCall } from "./bytes_call.ts";
import { type AnswerObserver, callContext } from "./call_context.ts";
import type { FastCall } from "./fast_call.ts";
import type { ResponseMetadata } from "./response_metadata.ts";
import { headersOf } from "../wire/header_fields.ts";
import { urlOf } from "./request_facts.ts";

/** The field that says in gRPC what a call failed with: an error sets it, never an implementation. */
const STATUS_DETAILS = "grpc-status-details-bin";

/** Leaves to an implementation's metadata no field that clients take for the status of the call. */
export function withoutStatusDetails(context: HandlerContext): void {
  // There it is done when the response is written; asking here would make its `Headers`.
  if (context instanceof FastContext) return;
  context.responseHeader.delete(STATUS_DETAILS);
  context.responseTrailer.delete(STATUS_DETAILS);
}

/** The call that an implementation serves on the fast path; `undefined` of a context that connect-es made. */
export function fastCallOf(
  context: HandlerContext,
): BytesCall<DescMethod, unknown, unknown> | undefined {
  return context instanceof FastContext ? context.call : undefined;
}

/** What a call was admitted with, from what its implementation is given. */
export function admittedWith(context: HandlerContext): unknown {
  return context instanceof FastContext ? context.call.context : context.values.get(callContext);
}

/** Has an implementation find a value under its key in `context.values`. */
export function provide<Value>(
  context: HandlerContext,
  key: ContextKey<Value>,
  value: Value,
): void {
  if (context instanceof FastContext) context.provide(key, value);
  else context.values.set(key, value);
}

/** The context that an implementation is given; its costly parts are made when first asked for. */
export class FastContext implements HandlerContext, ResponseMetadata {
  readonly method: DescMethod;
  readonly requestMethod = "POST";
  readonly #call: FastCall<DescMethod>;
  /** A value for an implementation that asks for `values`. */
  #key: ContextKey<unknown> | undefined;
  #value: unknown;
  #requestHeader: Headers | undefined;
  #responseHeader: Headers | undefined;
  #responseTrailer: Headers | undefined;
  #values: ContextValues | undefined;
  /** Is told what becomes of the one answer. */
  observer: AnswerObserver | undefined;

  constructor(call: FastCall<DescMethod>) {
    this.method = call.method;
    this.#call = call;
  }

  get call(): FastCall<DescMethod> {
    return this.#call;
  }

  provide<Value>(key: ContextKey<Value>, value: Value): void {
    if (this.#values !== undefined || this.#key !== undefined) {
      this.values.set(key, value);
      return;
    }
    this.#key = key as ContextKey<unknown>;
    this.#value = value;
  }

  /** Writes the one answer of the call. */
  write(output: DescMessage, message: Message): Uint8Array {
    const { observer } = this;
    if (observer === undefined) return writeBinary(output, message);
    let bytes: Uint8Array;
    try {
      bytes = writeBinary(output, message);
    } catch (error) {
      observer.failed(error, false);
      throw error;
    }
    observer.succeeded();
    return bytes;
  }

  get service(): HandlerContext["service"] {
    return this.method.parent;
  }

  get protocolName(): string {
    return this.#call.protocol;
  }

  get signal(): AbortSignal {
    return this.#call.signal;
  }

  get timeoutMs(): () => number | undefined {
    const { deadline } = this.#call;
    return () => deadline === undefined ? undefined : deadline - performance.now();
  }

  get requestHeader(): Headers {
    return this.#requestHeader ??= headersOf(this.#call.fields) ?? new Headers();
  }

  get responseHeader(): Headers {
    this.#call.metadata = this;
    return this.#responseHeader ??= new Headers({ "content-type": contentTypeOf(this.#call) });
  }

  get responseTrailer(): Headers {
    this.#call.metadata = this;
    const initial = this.#call.protocol === "grpc" ? { "grpc-status": "0" } : undefined;
    return this.#responseTrailer ??= new Headers(initial);
  }

  get values(): ContextValues {
    return this.#values ??= this.#makeValues();
  }

  #makeValues(): ContextValues {
    const values = createContextValues().set(callContext, this.#call.context);
    return this.#key === undefined ? values : values.set(this.#key, this.#value);
  }

  get url(): string {
    return urlOf(this.#call.fields);
  }

  get header(): Headers | undefined {
    this.#responseHeader?.delete(STATUS_DETAILS);
    return this.#responseHeader;
  }

  get trailer(): Headers | undefined {
    this.#responseTrailer?.delete(STATUS_DETAILS);
    return this.#responseTrailer;
  }
}

function contentTypeOf({ method, protocol }: FastCall<DescMethod>): string {
  if (protocol === "grpc") return "application/grpc+proto";
  return method.methodKind === "unary" ? "application/proto" : "application/connect+proto";
}
