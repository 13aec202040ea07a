import type { HeaderList } from "../header_list.ts";
import { inspectRegular } from "./field_section.ts";

/**
 * What is wrong with a trailer section, if anything: it has no pseudo-header fields (RFC 9113 §8.1), and none that
 * frame or route the message which has already passed (RFC 9110 §6.5.1).
 */
export function inspectTrailers(fields: HeaderList): string | undefined {
  const regular = inspectRegular(fields, 0);
  if (typeof regular === "string") return regular;
  if (regular.contentLength >= 0) return "a content-length in trailers";
  if (regular.host !== undefined) return "a host field in trailers";
  return undefined;
}
