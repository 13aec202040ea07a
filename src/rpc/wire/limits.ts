/** Limits of calls, on either side. */
export interface RpcLimits {
  /** The largest message to receive, in bytes, decompressed. Default 4 MiB. */
  readonly messageBytes: number;
  /** The largest message to send, in bytes. Default: as large as one may be, 4 GiB less a byte. */
  readonly sendBytes: number;
  /** The smallest message to compress, in bytes. Default 1 KiB. */
  readonly compressFromBytes: number;
  /** How long a request of one message may take to arrive, in milliseconds; 0 is for ever. Default 30,000. */
  readonly receiveTimeoutMs: number;
}

/** The default of every limit. */
export const defaultRpcLimits: RpcLimits = {
  messageBytes: 4 * 1024 * 1024,
  sendBytes: 0xffffffff,
  compressFromBytes: 1024,
  receiveTimeoutMs: 30_000,
};
