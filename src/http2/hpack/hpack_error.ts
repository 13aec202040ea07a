/** A header block that RFC 7541 does not allow; the connection ends with COMPRESSION_ERROR. */
export class HpackError extends Error {
  /** The stable name. */
  override readonly name = "HpackError";
}
