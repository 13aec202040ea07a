import {
  type ConnectRouter,
  type ConnectRouterOptions,
  createConnectRouter,
  type MethodImpl,
  type ServiceImpl,
} from "@connectrpc/connect";
import type {
  DescMethod,
  DescMethodBiDiStreaming,
  DescMethodUnary,
  DescService,
} from "@bufbuild/protobuf";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { ConfigurationError } from "../../errors/mod.ts";
import { compressionNames, requestCompressionOf } from "../wire/compression.ts";
import type { JsonOptions } from "../wire/json_options.ts";
import { defaultRpcLimits, type RpcLimits } from "../wire/limits.ts";
import { methodPath } from "../wire/method_path.ts";
import { type Implementation, plainImplementation } from "./plain_implementation.ts";
import { throwRefusal } from "./refusal.ts";
import type { StreamBytesHandler, UnaryBytesHandler } from "./bytes_call.ts";
import { present } from "../../values/mod.ts";

/** What every service of a router shares. */
export interface RpcRouterOptions {
  /** Overrides of the default limits. Per-service options may lower them, never lift them. */
  readonly limits?: Partial<RpcLimits>;
  /** How messages are read from and written to JSON; a registry for `Any`, for instance. Default: as connect-es. */
  readonly json?: JsonOptions;
}

/**
 * A connect-es router that also records the implementations, so that calls in binary form can take the
 * fast path. Per-service options cannot lift a limit nor switch a protocol on or off.
 */
export interface RpcRouter extends ConnectRouter {
  /**
   * Answers the unary calls of `method` that arrive in binary form, over Connect or gRPC, from their
   * bytes. The service must be registered too: it answers those that arrive otherwise.
   */
  unaryBytes<Peer, Context>(
    method: DescMethodUnary,
    handler: UnaryBytesHandler<Peer, Context>,
  ): this;
  /**
   * Answers the calls of `method` that arrive in binary form, uncompressed and over Connect, from the
   * bytes of their messages. The service must be registered too: it answers those that arrive otherwise.
   */
  streamBytes<Peer, Context>(
    method: DescMethodBiDiStreaming,
    handler: StreamBytesHandler<Peer, Context>,
  ): this;
}

/** Creates an empty router. */
export function createRpcRouter(options: RpcRouterOptions = {}): RpcRouter {
  return new RecordingRouter({ ...defaultRpcLimits, ...options.limits }, options.json);
}

/** What a router recorded of one method. */
export interface Route {
  readonly method: DescMethod;
  /** Answers in every protocol and form. */
  readonly handler: UniversalHandler;
  /** The implementation, where calls may reach it without connect-es. */
  readonly implementation: FastImplementation | undefined;
  /** What holds for its calls. */
  readonly limits: RpcLimits;
}

/** An implementation of a method, on messages or on bytes. */
export type FastImplementation =
  | { readonly on: "messages"; readonly invoke: Implementation }
  | { readonly on: "bytes"; readonly invoke: UnaryBytesHandler<unknown, unknown> }
  | { readonly on: "streams"; readonly invoke: StreamBytesHandler<unknown, unknown> };

/** What a router has recorded, by path. */
export interface RecordedRoutes {
  readonly json: JsonOptions | undefined;
  readonly routes: ReadonlyMap<string, Route>;
}

/** What `router` has recorded until now. */
export function recordedRoutes(router: RpcRouter): RecordedRoutes {
  if (router instanceof RecordingRouter) return router.recorded();
  throw new ConfigurationError("a router that was not made by createRpcRouter cannot be served");
}

type ServiceOptions = Partial<ConnectRouterOptions>;

class RecordingRouter implements RpcRouter {
  readonly #limits: RpcLimits;
  readonly #base: ConnectRouterOptions;
  readonly #router: ConnectRouter;
  readonly #implementations = new Map<string, Implementation>();
  /** What answers from bytes. */
  readonly #bytes = new Map<string, FastImplementation>();
  /** The largest message of the methods for which it is lower than the limit. */
  readonly #readMaxBytes = new Map<string, number>();
  readonly #json: JsonOptions | undefined;

  constructor(limits: RpcLimits, json: JsonOptions | undefined) {
    this.#limits = limits;
    this.#json = json;
    this.#base = {
      acceptCompression: compressionNames.map(requestCompressionOf),
      compressMinBytes: limits.compressFromBytes,
      readMaxBytes: limits.messageBytes,
      writeMaxBytes: limits.sendBytes,
      requestGate: throwRefusal,
      ...present({ jsonOptions: json }),
    };
    this.#router = createConnectRouter(this.#base);
  }

  get handlers(): UniversalHandler[] {
    return this.#router.handlers;
  }

  service<T extends DescService>(
    service: T,
    implementation: Partial<ServiceImpl<T>>,
    options?: ServiceOptions,
  ): this {
    const plain: Record<string, Implementation> = {};
    for (const method of service.methods) {
      this.#refuseSecond(method);
      const given = (implementation as Record<string, unknown>)[method.localName];
      if (typeof given !== "function") continue;
      const invoke: Implementation = given.bind(implementation);
      this.#record(method, invoke, options);
      plain[method.localName] = plainImplementation(method, invoke);
    }
    this.#router.service(service, plain as Partial<ServiceImpl<T>>, this.#within(options));
    return this;
  }

  rpc<M extends DescMethod>(
    method: M,
    implementation: MethodImpl<M>,
    options?: ServiceOptions,
  ): this {
    this.#refuseSecond(method);
    const invoke = implementation as Implementation;
    this.#record(method, invoke, options);
    const plain = plainImplementation(method, invoke) as MethodImpl<M>;
    this.#router.rpc(method, plain, this.#within(options));
    return this;
  }

  unaryBytes<Peer, Context>(
    method: DescMethodUnary,
    handler: UnaryBytesHandler<Peer, Context>,
  ): this {
    // The request handler that calls it is the one whose peers and contexts it was written for.
    const invoke = handler as UnaryBytesHandler<unknown, unknown>;
    this.#bytes.set(methodPath(method), { on: "bytes", invoke });
    return this;
  }

  streamBytes<Peer, Context>(
    method: DescMethodBiDiStreaming,
    handler: StreamBytesHandler<Peer, Context>,
  ): this {
    const invoke = handler as StreamBytesHandler<unknown, unknown>;
    this.#bytes.set(methodPath(method), { on: "streams", invoke });
    return this;
  }

  recorded(): RecordedRoutes {
    const routes = new Map<string, Route>();
    for (const handler of this.#router.handlers) {
      const path = handler.requestPath;
      routes.set(path, {
        method: handler.method,
        handler,
        implementation: this.#implementationOf(path),
        limits: this.#limitsOf(path),
      });
    }
    for (const path of this.#bytes.keys()) {
      if (routes.has(path)) continue;
      throw new ConfigurationError(`bytes are served for ${path}, whose service is not registered`);
    }
    return { json: this.#json, routes };
  }

  #limitsOf(path: string): RpcLimits {
    const messageBytes = this.#readMaxBytes.get(path);
    return messageBytes === undefined ? this.#limits : { ...this.#limits, messageBytes };
  }

  #implementationOf(path: string): FastImplementation | undefined {
    const bytes = this.#bytes.get(path);
    if (bytes !== undefined) return bytes;
    const invoke = this.#implementations.get(path);
    return invoke === undefined ? undefined : { on: "messages", invoke };
  }

  /**
   * Options of a service's own, an interceptor for instance, are what connect-es is there for; the largest message is
   * a limit of ours, so that no more of one that is larger is gathered.
   */
  #record(method: DescMethod, invoke: Implementation, options: ServiceOptions = {}): void {
    const { readMaxBytes = Infinity, ...others } = options;
    const path = methodPath(method);
    if (readMaxBytes < this.#limits.messageBytes) this.#readMaxBytes.set(path, readMaxBytes);
    if (Object.keys(others).length === 0) this.#implementations.set(path, invoke);
  }

  #refuseSecond(method: DescMethod): void {
    const path = methodPath(method);
    if (this.#router.handlers.some((handler) => handler.requestPath === path)) {
      throw new ConfigurationError(`${path} is registered twice`);
    }
  }

  /** connect-es takes the options of a service instead of the router's; ours bound them. */
  #within(options: ServiceOptions | undefined): ServiceOptions {
    const base = this.#base;
    const gate = options?.requestGate;
    return {
      ...options,
      ...base,
      grpc: true,
      grpcWeb: true,
      connect: true,
      readMaxBytes: Math.min(options?.readMaxBytes ?? Infinity, this.#limits.messageBytes),
      writeMaxBytes: Math.min(options?.writeMaxBytes ?? Infinity, this.#limits.sendBytes),
      compressMinBytes: options?.compressMinBytes ?? this.#limits.compressFromBytes,
      ...(gate === undefined ? {} : {
        requestGate: async (context) => {
          throwRefusal(context);
          await gate(context);
        },
      }),
    };
  }
}
