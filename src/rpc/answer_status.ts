import type { HeaderList, Stream, StreamReceiver } from "../http2/mod.ts";

/** Answers a request with nothing but a status. */
export function answerStatus(stream: Stream, status: keyof typeof sections): void {
  stream.sendHeaders(sections[status], true);
}

/** Receives what still comes of a request that was answered, and drops it. */
export function discard(stream: Stream): StreamReceiver {
  return {
    data: (bytes) => stream.release(bytes.byteLength),
    trailers: () => {},
    closed: () => {},
  };
}

const sections = {
  400: [":status", "400"],
  404: [":status", "404"],
  405: [":status", "405", "allow", "POST"],
  415: [":status", "415"],
} as const satisfies Record<number, HeaderList>;
