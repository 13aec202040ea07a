/** What receives the bytes of a {@linkcode ByteChannel}. */
export interface ByteReceiver {
  /**
   * Bytes arrived; they belong to the receiver from here on. A `subarray` keeps the whole chunk
   * alive, so what is kept for long is copied.
   *
   * @returns `true` where the receiver is done with all of them: the channel may free their buffer or read
   * into it again. Anything else where some may be kept.
   */
  received(bytes: Uint8Array): unknown;
  /** The peer ended its direction; nothing more will be received. */
  ended(): void;
  /** The channel is gone, with the error that ended it where there was one. Called exactly once, last. */
  closed(error: Error | undefined): void;
}

/** An ordered, reliable, bidirectional stream of bytes: a TLS or TCP socket, a unix socket, a pair in memory. */
export interface ByteChannel {
  /** Begins delivery to `receiver`, with whatever arrived before. Called once. */
  start(receiver: ByteReceiver): void;
  /**
   * Hands over bytes to be sent, in order. The buffer may be reused only after `written` was called,
   * which happens when it left for the operating system, or never where the channel closes first.
   */
  write(bytes: Uint8Array, written: () => void): void;
  /** Stops reading from the peer: the raw socket is paused, so that the peer feels it. */
  pause(): void;
  /** Goes on reading. */
  resume(): void;
  /** Ends our direction once everything written has been sent. */
  end(): void;
  /** Closes both directions now and drops what has not been sent. */
  destroy(): void;
}
