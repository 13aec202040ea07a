import { ErrorCode, type HeaderList, type Stream, type StreamReceiver } from "../http2/mod.ts";

/** Answers a request with nothing but a status, and takes no more of it. */
export function answerStatus(stream: Stream, status: number, requestEnded: boolean): void {
  stream.sendHeaders(sections.get(status) ?? [":status", String(status)], true);
  if (!requestEnded) stream.reset(ErrorCode.NO_ERROR);
}

/** Receives what still comes of a request that was answered, and drops it. */
export function discard(stream: Stream): StreamReceiver {
  return {
    data: (bytes) => stream.release(bytes.byteLength),
    trailers: () => {},
    closed: () => {},
  };
}

const sections: ReadonlyMap<number, HeaderList> = new Map([
  [400, [":status", "400"]],
  [404, [":status", "404"]],
  [405, [":status", "405", "allow", "POST"]],
  [415, [":status", "415"]],
]);
