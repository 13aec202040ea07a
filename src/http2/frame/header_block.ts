import { ErrorCode } from "../error_code.ts";
import { Http2Violation } from "../violation.ts";

/** What one header block may take. */
export interface HeaderBlockLimits {
  readonly maxHeaderBlockBytes: number;
  readonly maxContinuationFrames: number;
}

/** A header block that is spread over a HEADERS frame and CONTINUATION frames, while they arrive. */
export class HeaderBlock {
  readonly streamId: number;
  readonly endStream: boolean;
  readonly dependsOn: number;
  readonly #limits: HeaderBlockLimits;
  #bytes: Uint8Array = new Uint8Array(1024);
  #length = 0;
  #continuations = -1;

  constructor(
    limits: HeaderBlockLimits,
    streamId: number,
    endStream: boolean,
    dependsOn: number,
  ) {
    this.#limits = limits;
    this.streamId = streamId;
    this.endStream = endStream;
    this.dependsOn = dependsOn;
  }

  /**
   * Adds the fragment of one frame.
   *
   * @throws {Http2Violation} beyond the limits.
   */
  append(bytes: Uint8Array, start: number, end: number): void {
    const length = this.#length + end - start;
    if (
      length > this.#limits.maxHeaderBlockBytes ||
      ++this.#continuations > this.#limits.maxContinuationFrames
    ) {
      throw new Http2Violation(ErrorCode.ENHANCE_YOUR_CALM, "a header block beyond the limits");
    }
    if (length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(length, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.set(bytes.subarray(start, end), this.#length);
    this.#length = length;
  }

  /** What has arrived. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}
