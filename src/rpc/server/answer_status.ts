import type { HeaderList, Stream, StreamReceiver } from "../../http2/mod.ts";
import { type Deadline, expireAfter, type Expiring } from "../../platform/mod.ts";

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

/** How long the rest of a request that is no call is waited for once some of its body is there, in milliseconds. */
const REST_MS = 100;

/**
 * Answers with nothing but a status once the request has ended, or a moment after more than the header section has
 * arrived. For a request that is no call, whose body is on its way: answered before that, it would be cut off in the
 * middle, and what is wrong in it would be reported or not by what was read together.
 */
export function answerStatusOnceMoreArrives(
  stream: Stream,
  status: keyof typeof sections,
): StreamReceiver {
  return new LateStatus(stream, status);
}

class LateStatus implements StreamReceiver, Expiring {
  readonly #stream: Stream;
  readonly #status: keyof typeof sections;
  #deadline: Deadline | undefined;
  #isAnswered = false;

  constructor(stream: Stream, status: keyof typeof sections) {
    this.#stream = stream;
    this.#status = status;
  }

  data(bytes: Uint8Array, endStream: boolean): void {
    this.#stream.release(bytes.byteLength);
    if (endStream) this.#answer();
    else if (!this.#isAnswered) this.#deadline ??= expireAfter(REST_MS, this);
  }

  trailers(): void {
    this.#answer();
  }

  closed(): void {
    this.#deadline?.cancel();
  }

  expired(): void {
    this.#answer();
  }

  #answer(): void {
    this.#deadline?.cancel();
    if (!this.#isAnswered) answerStatus(this.#stream, this.#status);
    this.#isAnswered = true;
  }
}

const sections = {
  400: [":status", "400"],
  404: [":status", "404"],
  405: [":status", "405", "allow", "POST"],
  415: [":status", "415"],
} as const satisfies Record<number, HeaderList>;
