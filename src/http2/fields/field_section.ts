import type { HeaderList } from "../header_list.ts";
import { contentLength, isFieldValue, nameKind } from "./field_syntax.ts";

/** What the regular fields of a section say about its message. */
export interface RegularFields {
  /** Announced octets of the body, or -1. */
  readonly contentLength: number;
  /** The `host` field, which a request's `:authority` must agree with. */
  readonly host: string | undefined;
}

/** What the regular fields of a section from `from` on say, or what is wrong with them (RFC 9113 §8.2). */
export function inspectRegular(fields: HeaderList, from: number): RegularFields | string {
  let length = -1;
  let host: string | undefined;
  for (let at = from; at < fields.length; at += 2) {
    const name = fields[at]!;
    const value = fields[at + 1]!;
    const kind = nameKind(name);
    if (kind !== "regular") return WRONG_NAME[kind];
    if (!isFieldValue(value)) return "a field value with a character that is not allowed";
    if (name === "content-length") {
      if (length >= 0) return "two content-length fields";
      length = contentLength(value);
      if (length < 0) return "a content-length that is not a number";
    } else if (name === "te") {
      if (value !== "trailers") return "a te field other than trailers";
    } else if (name === "host") {
      if (host !== undefined) return "two host fields";
      host = value;
    }
  }
  return { contentLength: length, host };
}

const WRONG_NAME = {
  pseudo: "a pseudo-header field after a regular one, or in trailers",
  "connection-specific": "a connection-specific field",
  malformed: "a field name with a character that is not allowed",
} as const;
