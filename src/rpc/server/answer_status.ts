import type { HeaderList, Stream, StreamReceiver } from "../../http2/mod.ts";

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

/**
 * Answers with nothing but a status as soon as more than the header section has arrived. For a request
 * that is no call, whose body is on its way: answered before that, it would be cut off in the middle.
 */
export function answerStatusOnceMoreArrives(
  stream: Stream,
  status: keyof typeof sections,
): StreamReceiver {
  let answered = false;
  const answer = () => {
    if (!answered) answerStatus(stream, status);
    answered = true;
  };
  return {
    data(bytes) {
      stream.release(bytes.byteLength);
      answer();
    },
    trailers: answer,
    closed: () => {},
  };
}

const sections = {
  400: [":status", "400"],
  404: [":status", "404"],
  405: [":status", "405", "allow", "POST"],
  415: [":status", "415"],
} as const satisfies Record<number, HeaderList>;
