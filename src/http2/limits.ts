/** Every limit and default of an HTTP/2 connection, in one place. */
export interface Http2Limits {
  /** Streams the peer may have open at once (SETTINGS_MAX_CONCURRENT_STREAMS). Default 1,024. */
  readonly maxConcurrentStreams: number;
  /** Octets of a header list, RFC 9113 §6.5.2 counting. Default 16 KiB. */
  readonly maxHeaderListBytes: number;
  /** Receive window of a stream. Default 256 KiB. */
  readonly streamWindowBytes: number;
  /** Receive window of the connection. Default 4 MiB. */
  readonly connectionWindowBytes: number;
}
