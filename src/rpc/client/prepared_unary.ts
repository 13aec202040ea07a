import type { DescMethodUnary } from "@bufbuild/protobuf";
import type { HeaderList } from "../../http2/mod.ts";
import type { CompressionName } from "../wire/compression.ts";
import { defaultRpcLimits, type RpcLimits } from "../wire/limits.ts";
import {
  connectFields,
  PreparedSections,
  type PrepareOptions,
  type ProtocolFields,
} from "./prepared_sections.ts";
import { formatGrpcTimeout } from "../wire/timeout_field.ts";

/** How a unary request is prepared. */
export interface PrepareUnaryOptions extends PrepareOptions {
  /** Default: `connect`. */
  readonly protocol?: "connect" | "grpc";
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
  const { protocol = "connect", acceptCompression = [] } = options;
  const sections = new PreparedSections(method, FIELDS[protocol], options);
  return {
    method,
    protocol,
    acceptCompression,
    limits: { ...defaultRpcLimits, ...options.limits },
    fields: (timeoutMs) => sections.of(timeoutMs),
  };
}

const FIELDS: Readonly<Record<"connect" | "grpc", ProtocolFields>> = {
  connect: connectFields("application/proto", "accept-encoding"),
  grpc: {
    common: ["content-type", "application/grpc+proto", "te", "trailers"],
    accept: "grpc-accept-encoding",
    timeout: (timeoutMs) => ["grpc-timeout", formatGrpcTimeout(timeoutMs)],
  },
};
