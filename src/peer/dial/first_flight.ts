import type { ByteChannel } from "../../http2/mod.ts";
import { joined } from "../../values/mod.ts";

/** What was handed over before the first flight left. */
interface Waiting {
  readonly bytes: Uint8Array;
  readonly written: () => void;
}

/**
 * The same channel, which sends all that is written in its first turns of the event loop as one piece.
 *
 * A server that refuses us by a TLS alert has closed its end by the time our first bytes arrive, and
 * answers them with a reset. A second write would then fail and take the socket with it before the
 * alert was read; after a single one, the alert comes first.
 */
export function inFirstFlight(channel: ByteChannel): ByteChannel {
  let waiting: Waiting[] | undefined = [];
  let ending = false;
  const leave = (): void => {
    const flight = waiting ?? [];
    waiting = undefined;
    if (flight.length > 0) {
      channel.write(
        joined(flight.map(({ bytes }) => bytes)),
        () => flight.forEach(({ written }) => written()),
      );
    }
    if (ending) channel.end();
  };
  // Whatever gathers what is written in a turn hands it over in the next one.
  setImmediate(() => setImmediate(leave));
  return {
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
