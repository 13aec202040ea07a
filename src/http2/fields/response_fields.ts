import type { HeaderList } from "../header_list.ts";
import { inspectRegular } from "./field_section.ts";

/** What a valid response's header section says to the connection. */
export interface ResponseShape {
  readonly status: number;
  /** Announced octets of the body, or -1. */
  readonly contentLength: number;
}

/** A response's shape by its header section, or what is wrong with that (RFC 9113 §8.3.2). */
export function inspectResponse(fields: HeaderList): ResponseShape | string {
  if (fields[0] !== ":status") return "no :status";
  if (!/^[1-9][0-9][0-9]$/.test(fields[1]!)) return "a malformed :status";
  const status = Number(fields[1]);
  // RFC 9113 §8.6: HTTP/2 has no 101.
  if (status === 101) return "status 101";
  const regular = inspectRegular(fields, 2);
  if (typeof regular === "string") return regular;
  return { status, contentLength: regular.contentLength };
}

/** Whether a response with this status has no body whatever its `content-length` says. */
export function isBodiless(status: number): boolean {
  return status === 204 || status === 304;
}
