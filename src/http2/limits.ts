/**
 * Every limit and default of an HTTP/2 connection, in one place. What a peer does beyond one of them
 * ends its stream or its connection; no other peer notices.
 */
export interface Http2Limits {
  /**
   * Streams the peer may have open at once (SETTINGS_MAX_CONCURRENT_STREAMS); those above it are
   * refused with REFUSED_STREAM once the peer has acknowledged our SETTINGS. Default 1,024.
   */
  readonly maxConcurrentStreams: number;
  /**
   * Octets of a header list, counted as RFC 9113 §6.5.2 does. A request above it is answered with
   * status 431, a response above it is reset. Default 16 KiB.
   */
  readonly maxHeaderListBytes: number;
  /**
   * Octets of one compressed header block with all of its CONTINUATION frames; more end the
   * connection with ENHANCE_YOUR_CALM. Default 64 KiB.
   */
  readonly maxHeaderBlockBytes: number;
  /** CONTINUATION frames of one header block; more end the connection with ENHANCE_YOUR_CALM. Default 32. */
  readonly maxContinuationFrames: number;
  /**
   * Octets of the HPACK table that the peer may use (SETTINGS_HEADER_TABLE_SIZE), and the most that we
   * use of what the peer allows us. Default 4 KiB.
   */
  readonly headerTableBytes: number;
  /** Octets of a frame's payload that we accept (SETTINGS_MAX_FRAME_SIZE, 16,384 to 16,777,215). Default 16 KiB. */
  readonly maxFrameBytes: number;
  /** Receive window of a stream, at most 2^31-1. Default 256 KiB. */
  readonly streamWindowBytes: number;
  /**
   * What the receive window of a stream may grow to where the measured round trip shows that it holds
   * the peer up. While small messages of other streams arrive between its frames, and for a second after, it
   * grows to 576 KiB at a server and 352 KiB at a client at most, and shrinks to that or, where it is more, to 256 KiB
   * for each millisecond of the shortest round trip. A body whose length is announced, and that is taken as it arrives,
   * is given its whole window at once, up to `connectionWindowBytes`. No window grows while memory is short. Default
   * 1 MiB.
   */
  readonly maxStreamWindowBytes: number;
  /**
   * Receive window of the connection, 65,535 to 2^31-1: what the peer may send before its DATA has
   * arrived here and, where memory is short, before it is read. Default 4 MiB.
   */
  readonly connectionWindowBytes: number;
  /**
   * DATA frames of a connection that were received and not yet released: tiny frames cost far more
   * memory than the windows count. More end the connection with ENHANCE_YOUR_CALM. Default 131,072.
   */
  readonly maxUnreadFrames: number;
  /**
   * High-water mark of what `Stream.sendData` queues on one stream before it returns `false`;
   * `writable` is called below half of it. Default 128 KiB.
   */
  readonly streamQueueBytes: number;
  /**
   * Octets of DATA queued on a connection for a peer that gives no window. Above it new streams of the
   * peer are refused with REFUSED_STREAM, and where nothing moves for `stallTimeoutMs` the connection
   * ends with ENHANCE_YOUR_CALM. Two hundred streams whose readers pause stay below it. Default 64 MiB.
   */
  readonly maxQueuedBytes: number;
  /** How long a connection above `maxQueuedBytes` may stand still, in milliseconds. Default 10,000. */
  readonly stallTimeoutMs: number;
  /**
   * Octets of control frames (answers to PING and SETTINGS, RST_STREAM) waiting for a peer that does not
   * read; more end the connection with ENHANCE_YOUR_CALM. Default 64 KiB.
   */
  readonly maxQueuedControlBytes: number;
  /**
   * Streams that the peer may have reset, or made us reset, in one burst (rapid reset).
   * Streams that complete earn it back. Beyond it the connection ends with ENHANCE_YOUR_CALM. A worker
   * counts them over all connections of a peer. Default 5,000.
   */
  readonly resetBurst: number;
  /** How many such resets a second of time earns back. Default 1,000. */
  readonly resetsPerSecond: number;
  /**
   * Frames that carry nothing (SETTINGS, PING, PRIORITY, empty DATA, WINDOW_UPDATE and unknown ones) in one
   * burst. Requests and data in either direction earn it back. Beyond it the connection ends with
   * ENHANCE_YOUR_CALM. Default 5,000.
   */
  readonly overheadFrameBurst: number;
  /** How many such frames a second of time earns back. Default 1,000. */
  readonly overheadFramesPerSecond: number;
  /** Time for the peer's preface and first SETTINGS, in milliseconds; 0 waits for ever. Default 5,000. */
  readonly prefaceTimeoutMs: number;
  /** Time from the first octet of a header block to its end, in milliseconds; 0 waits for ever. Default 10,000. */
  readonly headerTimeoutMs: number;
  /** Time for the peer to acknowledge our SETTINGS, in milliseconds; 0 waits for ever. Default 10,000. */
  readonly settingsAckTimeoutMs: number;
  /** Silence after which the peer is sent a PING, in milliseconds; 0 sends none. Default 20,000. */
  readonly keepaliveIdleMs: number;
  /** Time for the answer to that PING, in milliseconds, after which the connection is lost. Default 10,000. */
  readonly keepaliveTimeoutMs: number;
  /**
   * What the peer is given at the end, in milliseconds: to answer the PING between the two GOAWAYs of
   * a shutdown, to close its side after ours was ended, and to have gone where it ended its own with
   * requests under way. Default 2,000.
   */
  readonly closeGraceMs: number;
}

/** The default of every limit. */
export const defaultHttp2Limits: Http2Limits = {
  maxConcurrentStreams: 1024,
  maxHeaderListBytes: 16 * 1024,
  maxHeaderBlockBytes: 64 * 1024,
  maxContinuationFrames: 32,
  headerTableBytes: 4096,
  maxFrameBytes: 16 * 1024,
  streamWindowBytes: 256 * 1024,
  maxStreamWindowBytes: 1024 * 1024,
  connectionWindowBytes: 4 * 1024 * 1024,
  maxUnreadFrames: 131_072,
  streamQueueBytes: 128 * 1024,
  maxQueuedBytes: 64 * 1024 * 1024,
  stallTimeoutMs: 10_000,
  maxQueuedControlBytes: 64 * 1024,
  resetBurst: 5000,
  resetsPerSecond: 1000,
  overheadFrameBurst: 5000,
  overheadFramesPerSecond: 1000,
  prefaceTimeoutMs: 5000,
  headerTimeoutMs: 10_000,
  settingsAckTimeoutMs: 10_000,
  keepaliveIdleMs: 20_000,
  keepaliveTimeoutMs: 10_000,
  closeGraceMs: 2000,
};

/** What a limit may be at least and at most, where RFC 9113 §6.5.2 or §6.9 says. */
const RANGES: Partial<Record<keyof Http2Limits, readonly [least: number, most: number]>> = {
  headerTableBytes: [0, 2 ** 28 - 1],
  maxFrameBytes: [16_384, 16_777_215],
  streamWindowBytes: [1, 2 ** 31 - 1],
  maxStreamWindowBytes: [0, 2 ** 31 - 1],
  connectionWindowBytes: [65_535, 2 ** 31 - 1],
};

/** Those that were resolved before; they are frozen. */
const resolvedLimits = new WeakSet<Partial<Http2Limits>>();

/**
 * The limits with their defaults. What it has returned once it takes as it is, so that connections share it.
 *
 * @throws {RangeError} for a limit that is no number or that the protocol does not allow.
 */
export function resolveHttp2Limits(
  limits: Partial<Http2Limits> = defaultHttp2Limits,
): Http2Limits {
  if (resolvedLimits.has(limits)) return limits as Http2Limits;
  const resolved = Object.freeze({ ...defaultHttp2Limits, ...limits });
  for (const name of Object.keys(defaultHttp2Limits) as (keyof Http2Limits)[]) {
    const [least, most] = RANGES[name] ?? [0, Number.MAX_SAFE_INTEGER];
    const value = resolved[name];
    if (!(value >= least && value <= most)) {
      throw new RangeError(`${name} is ${value}, expected ${least} to ${most}`);
    }
  }
  resolvedLimits.add(resolved);
  return resolved;
}
