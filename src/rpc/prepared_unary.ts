import type { DescMethodUnary } from "@bufbuild/protobuf";
import type { HeaderList } from "../http2/mod.ts";
import type { CompressionName } from "./compression.ts";
import { defaultRpcLimits, type RpcLimits } from "./limits.ts";
import { methodPath } from "./method_path.ts";
import { formatGrpcTimeout } from "./timeout_field.ts";

/** How a unary request is prepared. */
export interface PrepareUnaryOptions {
  /** Default: `connect`. */
  readonly protocol?: "connect" | "grpc";
  /** The `:authority`. Default: `selvage`. */
  readonly authority?: string;
  /** The `:scheme`. Default: `https`. */
  readonly scheme?: "https" | "http";
  /** Fields sent with every request, names in lower case. Default: none. */
  readonly fields?: HeaderList;
  /** The compressions that responses may have. Default: none. */
  readonly acceptCompression?: readonly CompressionName[];
  /** Overrides of the default limits. */
  readonly limits?: Partial<RpcLimits>;
}

/** A unary request without its message: header sections that are made once and sent many times. */
export interface PreparedUnary {
  /** The method that is called. */
  readonly method: DescMethodUnary;
  /** The protocol that is spoken. */
  readonly protocol: "connect" | "grpc";
  /** The compressions that responses may have. */
  readonly acceptCompression: readonly CompressionName[];
  /** What bounds each call. */
  readonly limits: RpcLimits;
  /** The header section of a call with that time, the same list each time. */
  fields(timeoutMs: number | undefined): HeaderList;
}

/** Prepares the requests of a unary method. Keep what it returns as long as such calls are made. */
export function prepareUnary(
  method: DescMethodUnary,
  options: PrepareUnaryOptions = {},
): PreparedUnary {
  return new PreparedRequest(method, options);
}

/** Callers use few different timeouts; one that uses many is not remembered for ever. */
const MAX_SECTIONS = 256;

class PreparedRequest implements PreparedUnary {
  readonly method: DescMethodUnary;
  readonly protocol: "connect" | "grpc";
  readonly acceptCompression: readonly CompressionName[];
  readonly limits: RpcLimits;
  readonly #base: HeaderList;
  readonly #sections = new Map<number, HeaderList>();

  constructor(method: DescMethodUnary, options: PrepareUnaryOptions) {
    const { protocol = "connect", acceptCompression = [], fields = [] } = options;
    this.method = method;
    this.protocol = protocol;
    this.acceptCompression = acceptCompression;
    this.limits = { ...defaultRpcLimits, ...options.limits };
    const accept = acceptCompression.join(",");
    this.#base = [
      ":method",
      "POST",
      ":scheme",
      options.scheme ?? "https",
      ":authority",
      options.authority ?? "selvage",
      ":path",
      methodPath(method),
      ...(protocol === "connect" ? CONNECT_FIELDS : GRPC_FIELDS),
      ...(accept === "" ? [] : [ACCEPT_FIELD[protocol], accept]),
      ...fields,
    ];
  }

  fields(timeoutMs: number | undefined): HeaderList {
    if (timeoutMs === undefined) return this.#base;
    const known = this.#sections.get(timeoutMs);
    if (known !== undefined) return known;
    const section = this.protocol === "connect"
      ? [...this.#base, "connect-timeout-ms", String(timeoutMs)]
      : [...this.#base, "grpc-timeout", formatGrpcTimeout(timeoutMs)];
    if (this.#sections.size === MAX_SECTIONS) this.#sections.clear();
    this.#sections.set(timeoutMs, section);
    return section;
  }
}

const CONNECT_FIELDS: HeaderList = [
  "content-type",
  "application/proto",
  "connect-protocol-version",
  "1",
];
const GRPC_FIELDS: HeaderList = ["content-type", "application/grpc+proto", "te", "trailers"];
const ACCEPT_FIELD = { connect: "accept-encoding", grpc: "grpc-accept-encoding" } as const;
