import { ErrorCode } from "../error_code.ts";
import { Http2Violation } from "../violation.ts";

/**
 * The octets of padding at the end of a padded payload, whose first octet counts them.
 *
 * @throws {Http2Violation} where the padding does not leave room for `fixedBytes` (RFC 9113 §6.1, §6.2).
 */
export function readPadding(
  bytes: Uint8Array,
  start: number,
  end: number,
  fixedBytes: number,
): number {
  if (start >= end) throw new Http2Violation(ErrorCode.FRAME_SIZE_ERROR, "no pad length");
  const padding = bytes[start]!;
  if (start + 1 + fixedBytes + padding > end) {
    throw new Http2Violation(ErrorCode.PROTOCOL_ERROR, "padding longer than its frame");
  }
  return padding;
}
