/** A request is not sent, for its header list is larger than the peer accepts (RFC 9113 §6.5.2). */
export class HeaderListTooLarge extends Error {
  /** Always `HeaderListTooLarge`. */
  override readonly name = "HeaderListTooLarge";
  /** What it takes, each field with 32 octets more than its name and value. */
  readonly bytes: number;
  /** What the peer accepts. */
  readonly mostBytes: number;

  /** Made where a stream is opened. */
  constructor(bytes: number, mostBytes: number) {
    super(`the header list takes ${bytes} octets, and the peer accepts ${mostBytes}`);
    this.bytes = bytes;
    this.mostBytes = mostBytes;
  }
}
