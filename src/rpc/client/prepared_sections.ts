import type { DescMethod } from "@bufbuild/protobuf";
import type { HeaderList } from "../../http2/mod.ts";
import type { CompressionName } from "../wire/compression.ts";
import type { RpcLimits } from "../wire/limits.ts";
import { methodPath } from "../wire/method_path.ts";

/** How a request is prepared, whatever its protocol. */
export interface PrepareOptions {
  /** The `:authority`. Default: `selvage`. */
  readonly authority?: string | undefined;
  /** The `:scheme`. Default: `https`. */
  readonly scheme?: "https" | "http" | undefined;
  /** Fields sent with every request, names in lower case. Default: none. */
  readonly fields?: HeaderList;
  /** The compressions that responses may have. Default: none. */
  readonly acceptCompression?: readonly CompressionName[];
  /** Overrides of the default limits. */
  readonly limits?: Partial<RpcLimits> | undefined;
}

/** What a protocol's own fields are. */
export interface ProtocolFields {
  /** Those that every request carries. */
  readonly common: HeaderList;
  /** The one that names the compressions of the response. */
  readonly accept: string;
  /** The one that gives the call its time. */
  readonly timeout: (timeoutMs: number) => readonly [name: string, value: string];
}

/** Callers use few different timeouts; one that uses many is not remembered for ever. */
const MAX_SECTIONS = 256;

/** Header sections that are made once and sent many times. */
export class PreparedSections {
  readonly #base: HeaderList;
  readonly #timeout: ProtocolFields["timeout"];
  readonly #sections = new Map<number, HeaderList>();

  /** Those of a method's requests. */
  constructor(method: DescMethod, protocol: ProtocolFields, options: PrepareOptions) {
    const { acceptCompression = [], fields = [] } = options;
    const accept = acceptCompression.join(",");
    this.#timeout = protocol.timeout;
    this.#base = [
      ":method",
      "POST",
      ":scheme",
      options.scheme ?? "https",
      ":authority",
      options.authority ?? "selvage",
      ":path",
      methodPath(method),
      ...protocol.common,
      ...(accept === "" ? [] : [protocol.accept, accept]),
      ...fields,
    ];
  }

  /** The section of a call with that time, the same list each time. */
  of(timeoutMs: number | undefined): HeaderList {
    if (timeoutMs === undefined) return this.#base;
    const known = this.#sections.get(timeoutMs);
    if (known !== undefined) return known;
    const section = [...this.#base, ...this.#timeout(timeoutMs)];
    if (this.#sections.size === MAX_SECTIONS) this.#sections.clear();
    this.#sections.set(timeoutMs, section);
    return section;
  }
}

/** The fields of Connect for a content type. */
export function connectFields(contentType: string, accept: string): ProtocolFields {
  return {
    common: ["content-type", contentType, "connect-protocol-version", "1"],
    accept,
    timeout: (timeoutMs) => ["connect-timeout-ms", String(timeoutMs)],
  };
}
