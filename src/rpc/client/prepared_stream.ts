import type { DescMethodBiDiStreaming } from "@bufbuild/protobuf";
import type { HeaderList } from "../../http2/mod.ts";
import type { CompressionName } from "../wire/compression.ts";
import { defaultRpcLimits, type RpcLimits } from "../wire/limits.ts";
import { connectFields, PreparedSections, type PrepareOptions } from "./prepared_sections.ts";

/** The request of a call with streams both ways, without its messages; over Connect. */
export interface PreparedDuplex {
  /** The method that is called. */
  readonly method: DescMethodBiDiStreaming;
  /** The compressions that responses may have. */
  readonly acceptCompression: readonly CompressionName[];
  /** What bounds each call. */
  readonly limits: RpcLimits;
  /** The header section of a call with that time, the same list each time. */
  fields(timeoutMs: number | undefined): HeaderList;
}

/** Prepares the requests of a method. Keep what it returns as long as such calls are made. */
export function prepareDuplex(
  method: DescMethodBiDiStreaming,
  options: PrepareOptions = {},
): PreparedDuplex {
  const sections = new PreparedSections(method, FIELDS, options);
  return {
    method,
    acceptCompression: options.acceptCompression ?? [],
    limits: { ...defaultRpcLimits, ...options.limits },
    fields: (timeoutMs) => sections.of(timeoutMs),
  };
}

const FIELDS = connectFields("application/connect+proto", "connect-accept-encoding");
