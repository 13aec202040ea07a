import {
  create,
  createFileRegistry,
  type DescMessage,
  type DescMethod,
  type DescService,
  type FileRegistry,
  fromBinary,
  type Message,
  toBinary,
} from "@bufbuild/protobuf";
import { type Any, AnySchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

/** The package of the messages of Connect's conformance suite. */
const PACKAGE = "connectrpc.conformance.v1";

/** A header with all of its values. */
export interface Header {
  readonly name: string;
  readonly value: readonly string[];
}

/** A certificate and its key, PEM. */
export interface TlsCreds {
  readonly cert: Uint8Array;
  readonly key: Uint8Array;
}

/** A oneof as protobuf-es has them. */
export type OneOf<Cases> =
  | { readonly [Case in keyof Cases]: { readonly case: Case; readonly value: Cases[Case] } }[
    keyof Cases
  ]
  | { readonly case: undefined; readonly value?: undefined };

/** An error that was asked for, or received. */
export interface ErrorShape {
  readonly code: number;
  readonly message?: string;
  readonly details: readonly Any[];
}

/** What a server is to listen with. */
export interface ServerCompatRequest {
  readonly useTls: boolean;
  readonly clientTlsCert: Uint8Array;
  readonly messageReceiveLimit: number;
  readonly serverCreds?: TlsCreds;
}

/** A call that a client is to make. */
export interface ClientCompatRequest {
  readonly testName: string;
  /** 1 Connect, 2 gRPC, 3 gRPC-Web. */
  readonly protocol: 1 | 2 | 3;
  /** 1 binary, 2 JSON. */
  readonly codec: 1 | 2;
  /** 1 identity, 2 gzip, 3 brotli, 4 zstd, 5 deflate. */
  readonly compression: number;
  readonly host: string;
  readonly port: number;
  readonly serverTlsCert: Uint8Array;
  readonly clientTlsCreds?: TlsCreds;
  readonly messageReceiveLimit: number;
  readonly service?: string;
  readonly method?: string;
  /** 5 is the full-duplex one. */
  readonly streamType: number;
  readonly useGetHttpMethod: boolean;
  readonly requestHeaders: readonly Header[];
  readonly requestMessages: readonly Any[];
  readonly timeoutMs?: number;
  readonly requestDelayMs: number;
  readonly cancel?: {
    readonly cancelTiming: OneOf<{
      beforeCloseSend: unknown;
      afterCloseSendMs: number;
      afterNumResponses: number;
    }>;
  };
}

/** The result of a call. */
export interface ClientResponseResult {
  responseHeaders: Header[];
  payloads: unknown[];
  error?: ErrorShape;
  responseTrailers: Header[];
  numUnsentRequests: number;
}

/** The suite's messages and service, from a descriptor set built out of its own module. */
export class Schema {
  /** Every type of the suite. */
  readonly registry: FileRegistry;

  private constructor(registry: FileRegistry) {
    this.registry = registry;
  }

  /** Reads the descriptor set at the path the first argument names. */
  static read(): Schema {
    const path = Deno.args[0];
    if (path === undefined) {
      throw new TypeError("the first argument is the path of a descriptor set");
    }
    const files = fromBinary(FileDescriptorSetSchema, Deno.readFileSync(path));
    return new Schema(createFileRegistry(files));
  }

  /** The service of that full name, or the suite's own. */
  service(name = `${PACKAGE}.ConformanceService`): DescService {
    const service = this.registry.getService(name);
    if (service === undefined) throw new TypeError(`there is no service ${name}`);
    return service;
  }

  /** The method of that name. */
  method(service: string | undefined, name: string): DescMethod {
    const method = this.service(service).methods.find((method) => method.name === name);
    if (method === undefined) throw new TypeError(`there is no method ${name}`);
    return method;
  }

  /** The message type of that name. */
  message(name: string): DescMessage {
    const message = this.registry.getMessage(`${PACKAGE}.${name}`);
    if (message === undefined) throw new TypeError(`there is no message ${name}`);
    return message;
  }

  /** A message of that name as an `Any`. */
  any(name: string, init: object): Any {
    const desc = this.message(name);
    return anyOf(create(desc, init as never), desc);
  }

  /** What an `Any` holds. */
  unpack(any: Any): Message {
    const name = any.typeUrl.slice(any.typeUrl.lastIndexOf("/") + 1);
    const desc = this.registry.getMessage(name);
    if (desc === undefined) throw new TypeError(`there is no message ${name}`);
    return fromBinary(desc, any.value);
  }

  /** Reads a message of that name. */
  decode<Shape>(name: string, bytes: Uint8Array): Shape {
    return fromBinary(this.message(name), bytes) as unknown as Shape;
  }

  /** Writes a message of that name. */
  encode(name: string, init: object): Uint8Array {
    const desc = this.message(name);
    return toBinary(desc, create(desc, init as never));
  }
}

/** A message as an `Any`. */
export function anyOf(message: Message, desc: DescMessage): Any {
  return create(AnySchema, {
    typeUrl: `type.googleapis.com/${desc.typeName}`,
    value: toBinary(desc, message),
  });
}

/** Headers as the suite writes them. */
export function headersToProto(headers: Headers): Header[] {
  return [...headers].map(([name, value]) => ({ name, value: value.split(", ") }));
}

/** Adds headers as the suite writes them. */
export function appendProtoHeaders(from: readonly Header[] | undefined, to: Headers): void {
  for (const { name, value } of from ?? []) {
    for (const each of value) to.append(name, each);
  }
}
