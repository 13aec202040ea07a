import type { ErrorCode } from "../error_code.ts";
import type { HeaderList } from "../header_list.ts";

/** How a stream ended. */
export interface StreamEnd {
  /**
   * - `complete`: both directions ended as they should.
   * - `reset-by-peer`: RST_STREAM received; `code` is the peer's.
   * - `reset-by-us`: we sent RST_STREAM, by request or for a violation; `code` is ours.
   * - `connection-lost`: the connection ended under it; the request may have begun.
   * - `not-processed`: known not to have begun (REFUSED_STREAM, or above GOAWAY's last id, or never sent).
   */
  readonly how: "complete" | "reset-by-peer" | "reset-by-us" | "connection-lost" | "not-processed";
  /** The code of the RST_STREAM or GOAWAY that ended it; NO_ERROR where there was none. */
  readonly code: ErrorCode;
  /** What ended the connection, or the violation, where that is why. */
  readonly cause?: Error;
}

/** What receives the events of one stream. Every callback runs synchronously, in wire order. */
export interface StreamReceiver {
  /** The response's header section (client side; 1xx are not delivered). */
  headers?(fields: HeaderList, endStream: boolean): void;
  /**
   * DATA arrived, padding removed. The bytes may be kept. Credit returns to the peer only by
   * {@linkcode Stream.release}: who holds on to bytes stops the writer.
   */
  data(bytes: Uint8Array, endStream: boolean): void;
  /**
   * As `data`, for the larger frames: the bytes are only lent for the call, so that the buffer that they were
   * read into need not wait for a collection. Absent, `data` is given those, too.
   */
  lent?(bytes: Uint8Array, endStream: boolean): void;
  /** The trailer section arrived; the peer's direction has ended. */
  trailers(fields: HeaderList): void;
  /** What was queued by `sendData` has fallen below the low-water mark after it had returned `false`. */
  writable?(): void;
  /** The stream is over, exactly once, last. */
  closed(end: StreamEnd): void;
}

/** One HTTP/2 stream, as either side holds it. */
export interface Stream {
  /** The stream id; 0 on the client until its HEADERS are written. */
  readonly id: number;
  /**
   * Client: nothing, the request went with `open`. Server: 1xx and the response's header section.
   *
   * @throws {TypeError} for fields that RFC 9113 §8 calls malformed, and where the headers were sent before.
   */
  sendHeaders(fields: HeaderList, endStream: boolean): void;
  /**
   * Queues DATA; the bytes belong to the stream until they are sent.
   *
   * @param isGivenAway whether nobody else reads any byte of their buffer: it is freed once they are sent, and
   * need not wait for a collection. Default: no.
   * @returns `false` where more than the high-water mark is queued: wait for `writable`. On a stream that
   * is over, nothing is queued and `true` returned: `closed` has reported it.
   * @throws {TypeError} before the headers, and after our direction was ended.
   */
  sendData(bytes: Uint8Array, endStream: boolean, isGivenAway?: boolean): boolean;
  /**
   * Hands what is queued to the channel now, where it is not busy, instead of with the end of the turn. A write of its
   * own costs as much as a dozen small messages: for what the peer waits for while this turn goes on.
   */
  flush(): void;
  /**
   * Queues a trailer section, which ends our direction.
   *
   * @throws {TypeError} for fields that RFC 9113 §8 calls malformed, before the headers, and after our
   * direction was ended.
   */
  sendTrailers(fields: HeaderList): void;
  /**
   * Gives credit for `count` received bytes back to the peer, on the stream and the connection. What a
   * stream that is `complete` has left unread counts until it is released, or `reset` gives all of it
   * back; what a stream had that ended otherwise goes back by itself.
   */
  release(count: number): void;
  /**
   * Says that the receiver releases all of the body as it arrives, however long: where `content-length` announces
   * more than the window, the peer gets it at once, up to the window of the connection, and need not wait for credit.
   * To be called once the header section has arrived; before the first DATA it saves most.
   */
  takeWhole(): void;
  /**
   * Ends the stream now with RST_STREAM; nothing is delivered afterwards but `closed`. On a stream that is
   * over nothing is sent.
   */
  reset(code: ErrorCode): void;
}
