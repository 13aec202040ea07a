import type { ErrorCode } from "./error_code.ts";

/** What a peer did that RFC 9113 or one of our limits does not allow, with the code it is answered with. */
export class Http2Violation extends Error {
  /** The stable name. */
  override readonly name = "Http2Violation";
  /** The code of our GOAWAY or RST_STREAM. */
  readonly code: ErrorCode;

  /**
   * Names a violation.
   *
   * @param message what was expected and what was found; never the peer's own text.
   */
  constructor(code: ErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
