import type { DescMethod, DescMethodStreaming, DescMethodUnary } from "@bufbuild/protobuf";
import type { HeaderList } from "../../http2/mod.ts";
import type { CompressionName } from "../wire/compression.ts";
import { defaultRpcLimits, type RpcLimits } from "../wire/limits.ts";
import { methodPath } from "../wire/method_path.ts";
import { formatGrpcTimeout } from "../wire/timeout_field.ts";

/** How the requests of a method are prepared. */
export interface PrepareOptions {
  /** Default: `connect`. Streams are spoken in Connect only. */
  readonly protocol?: "connect" | "grpc" | undefined;
  /** The `:authority`. Default: `selvage`. */
  readonly authority?: string | undefined;
  /** The `:scheme`. Default: `https`. */
  readonly scheme?: "https" | "http" | undefined;
  /** Fields sent with every request, names in lower case. Default: none. */
  readonly fields?: HeaderList | undefined;
  /** The compressions that responses may have. Default: none. */
  readonly acceptCompression?: readonly CompressionName[] | undefined;
  /** Overrides of the default limits. */
  readonly limits?: Partial<RpcLimits> | undefined;
}

/** A request without its messages: header sections that are made once and sent many times. */
export interface PreparedRequest<Method extends DescMethod> {
  /** The method that is called. */
  readonly method: Method;
  /** The protocol that is spoken. */
  readonly protocol: "connect" | "grpc";
  /** The compressions that responses may have. */
  readonly acceptCompression: readonly CompressionName[];
  /** What bounds each call. */
  readonly limits: RpcLimits;
  /**
   * The header section of a call with that time in milliseconds, and with these fields besides. It is the same list
   * for the same time and the same list of fields, so that its block is encoded once a connection.
   */
  fields(timeoutMs: number | undefined, more?: HeaderList): HeaderList;
}

/** The request of a unary call, without its message. */
export type PreparedUnary = PreparedRequest<DescMethodUnary>;

/** The request of a call with streams, without its messages. */
export type PreparedStream = PreparedRequest<DescMethodStreaming>;

/** Callers use few different timeouts; one that uses many is not remembered for ever. */
const MAX_SECTIONS = 256;

/** Prepares the requests of a method. Keep what it returns as long as such calls are made. */
export function prepareRequest<Method extends DescMethod>(
  method: Method,
  options: PrepareOptions = {},
): PreparedRequest<Method> {
  const { protocol = "connect", acceptCompression = [] } = options;
  const base = baseSection(method, protocol, options);
  const sections = new Map<number, HeaderList>();
  const extended = new ExtendedSections();
  const sectionFor = (timeoutMs: number | undefined) => {
    if (timeoutMs === undefined) return base;
    const known = sections.get(timeoutMs);
    if (known !== undefined) return known;
    const section = [...base, ...timeoutField(protocol, timeoutMs)];
    if (sections.size === MAX_SECTIONS) sections.clear();
    sections.set(timeoutMs, section);
    return section;
  };
  return {
    method,
    protocol,
    acceptCompression,
    limits: { ...defaultRpcLimits, ...options.limits },
    fields(timeoutMs, more) {
      const section = sectionFor(timeoutMs);
      return more === undefined ? section : extended.of(section, more);
    },
  };
}

/** Sections with further fields, of the last list of these that came twice in a row: a token that lasts for instance. */
class ExtendedSections {
  readonly #known = new Map<HeaderList, HeaderList>();
  #last: HeaderList | undefined;

  of(section: HeaderList, more: HeaderList): HeaderList {
    if (more !== this.#last) {
      this.#last = more;
      this.#known.clear();
      return [...section, ...more];
    }
    const known = this.#known.get(section);
    if (known !== undefined) return known;
    const extended = [...section, ...more];
    if (this.#known.size === MAX_SECTIONS) this.#known.clear();
    this.#known.set(section, extended);
    return extended;
  }
}

function baseSection(
  method: DescMethod,
  protocol: "connect" | "grpc",
  { authority = "selvage", scheme = "https", acceptCompression = [], fields = [] }: PrepareOptions,
): HeaderList {
  const section = [":method", "POST", ":scheme", scheme, ":authority", authority];
  const { common, accept } = PROTOCOL_FIELDS[protocol === "grpc" ? protocol : method.methodKind];
  section.push(":path", methodPath(method), ...common);
  if (acceptCompression.length > 0) section.push(accept, acceptCompression.join(","));
  section.push(...fields);
  return section;
}

interface ProtocolFields {
  /** Those that every request carries. */
  readonly common: HeaderList;
  /** The one that names the compressions of the response. */
  readonly accept: string;
}

const CONNECT_STREAM = connectFields("application/connect+proto", "connect-accept-encoding");
const PROTOCOL_FIELDS: Readonly<Record<DescMethod["methodKind"] | "grpc", ProtocolFields>> = {
  unary: connectFields("application/proto", "accept-encoding"),
  server_streaming: CONNECT_STREAM,
  client_streaming: CONNECT_STREAM,
  bidi_streaming: CONNECT_STREAM,
  grpc: {
    common: ["content-type", "application/grpc+proto", "te", "trailers"],
    accept: "grpc-accept-encoding",
  },
};

function connectFields(contentType: string, accept: string): ProtocolFields {
  return { common: ["content-type", contentType, "connect-protocol-version", "1"], accept };
}

function timeoutField(protocol: "connect" | "grpc", timeoutMs: number): HeaderList {
  return protocol === "grpc"
    ? ["grpc-timeout", formatGrpcTimeout(timeoutMs)]
    : ["connect-timeout-ms", String(timeoutMs)];
}
