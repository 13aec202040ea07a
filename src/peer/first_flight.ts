import type { ByteChannel } from "../http2/mod.ts";
import { joined } from "../values/mod.ts";

/** What was handed over before the first flight left. */
interface Waiting {
  readonly bytes: Uint8Array;
  readonly written: () => void;
}

/** A channel whose first writes wait for each other. */
export interface FirstFlight extends ByteChannel {
  /** Sends as one piece what waits, and passes everything on from now on. */
  leave(): void;
}

/** The same channel, which keeps what is written until it is to leave. */
export function inFirstFlight(channel: ByteChannel): FirstFlight {
  let waiting: Waiting[] | undefined = [];
  let ending = false;
  return {
    leave: () => {
      if (waiting === undefined) return;
      const flight = waiting;
      waiting = undefined;
      if (flight.length > 0) {
        channel.write(
          joined(flight.map(({ bytes }) => bytes)),
          () => flight.forEach(({ written }) => written()),
        );
      }
      if (ending) channel.end();
    },
    start: (receiver) => channel.start(receiver),
    write: (bytes, written) => {
      if (waiting === undefined) channel.write(bytes, written);
      else waiting.push({ bytes, written });
    },
    pause: () => channel.pause(),
    resume: () => channel.resume(),
    end: () => {
      if (waiting === undefined) channel.end();
      else ending = true;
    },
    destroy: () => channel.destroy(),
  };
}
