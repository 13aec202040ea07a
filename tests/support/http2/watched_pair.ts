import { setImmediate } from "node:timers";
import type { ByteChannel, ByteReceiver } from "../../../src/http2/byte_channel.ts";
import { memoryChannelPair as unwatchedPair } from "../../../src/http2/memory_channel.ts";

/** What was written to channels of {@linkcode memoryChannelPair}, and what they have delivered, so far. */
let moves = 0;

/** Two ends of a byte channel in memory, of which {@linkcode settle} knows whether anything moves. */
export function memoryChannelPair(): [ByteChannel, ByteChannel] {
  const [left, right] = unwatchedPair();
  return [new WatchedChannel(left), new WatchedChannel(right)];
}

/**
 * Waits until nothing moves in memory. What a connection has to say it writes in the turn of the event loop after
 * the one in which it learned of it: once two turns have passed in which no channel moved, none will by itself.
 */
export async function settle(): Promise<void> {
  for (let still = 0; still < 2;) {
    const before = moves;
    await new Promise((resolve) => setImmediate(resolve));
    still = moves === before ? still + 1 : 0;
  }
}

class WatchedChannel implements ByteChannel {
  readonly #inner: ByteChannel;

  constructor(inner: ByteChannel) {
    this.#inner = inner;
  }

  start(receiver: ByteReceiver): void {
    this.#inner.start({
      received: (bytes) => {
        moves += 1;
        receiver.received(bytes);
      },
      ended: () => {
        moves += 1;
        receiver.ended();
      },
      closed: (error) => {
        moves += 1;
        receiver.closed(error);
      },
    });
  }

  write(bytes: Uint8Array, written: () => void): void {
    moves += 1;
    this.#inner.write(bytes, () => {
      moves += 1;
      written();
    });
  }

  pause(): void {
    this.#inner.pause();
  }

  resume(): void {
    moves += 1;
    this.#inner.resume();
  }

  end(): void {
    moves += 1;
    this.#inner.end();
  }

  destroy(): void {
    moves += 1;
    this.#inner.destroy();
  }
}
