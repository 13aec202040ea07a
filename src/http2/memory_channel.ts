import { setImmediate } from "node:timers";
import { keptContext } from "../platform/mod.ts";
import type { ByteChannel, ByteReceiver } from "./byte_channel.ts";

/** So many deliveries of an end are microtasks before one waits for a turn of the event loop. */
const MOST_MICROTASKS = 64;

/**
 * Two ends of a byte channel in memory. What one end writes is copied and delivered to the other in order, in a later
 * microtask, and each 64th time in a later turn of the event loop: two ends that answer each other at once would leave
 * timers and sockets no turn. A paused end leaves writes pending, so that the writer feels it. As with a socket, what
 * receives runs with its own scoped values, not with those of who writes.
 */
export function memoryChannelPair(): [ByteChannel, ByteChannel] {
  const left = new MemoryChannel();
  const right = new MemoryChannel();
  left.peer = right;
  right.peer = left;
  return [left, right];
}

interface PendingWrite {
  readonly bytes: Uint8Array;
  readonly written: () => void;
}

/** What this end was sent and has not delivered yet; `end` stands for the end of the direction. */
type Arrival = PendingWrite | "end";

class MemoryChannel implements ByteChannel {
  peer!: MemoryChannel;
  #receiver: ByteReceiver | undefined;
  #inReceiver: ReturnType<typeof keptContext> | undefined;
  #arrivals: Arrival[] = [];
  #paused = false;
  #delivering = false;
  #microtasks = 0;
  #endSent = false;
  #endReceived = false;
  #closed = false;
  #closeReported = false;

  start(receiver: ByteReceiver): void {
    if (this.#receiver) throw new TypeError("a channel is started once");
    this.#receiver = receiver;
    this.#inReceiver = keptContext();
    this.#wake();
  }

  write(bytes: Uint8Array, written: () => void): void {
    if (this.#closed || this.#endSent) return;
    this.peer.#arrive({ bytes, written });
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#wake();
  }

  end(): void {
    if (this.#closed || this.#endSent) return;
    this.#endSent = true;
    this.peer.#arrive("end");
  }

  destroy(): void {
    this.#close();
    this.peer.#close();
  }

  #arrive(arrival: Arrival): void {
    if (this.#closed) return;
    this.#arrivals.push(arrival);
    this.#wake();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#arrivals = [];
    this.#wake();
  }

  #wake(): void {
    const inReceiver = this.#inReceiver;
    if (this.#delivering || inReceiver === undefined) return;
    this.#delivering = true;
    const deliver = () => inReceiver(() => this.#deliver());
    if (++this.#microtasks < MOST_MICROTASKS) return queueMicrotask(deliver);
    this.#microtasks = 0;
    setImmediate(deliver);
  }

  #deliver(): void {
    this.#delivering = false;
    const receiver = this.#receiver;
    if (!receiver) return;
    const arrival = this.#closed || this.#paused ? undefined : this.#arrivals.shift();
    if (arrival === "end") {
      this.#endReceived = true;
      receiver.ended();
      this.#closeWhenBothEnded();
    } else if (arrival) {
      // The writer may reuse its buffer from `written` on, and the receiver may keep what it got.
      const bytes = arrival.bytes.slice();
      arrival.written();
      // A view that was kept all the same is noticed by the tests, whatever the size.
      if (receiver.received(bytes) === true) bytes.buffer.transfer(0);
    }
    if (this.#closed) {
      if (this.#closeReported) return;
      this.#closeReported = true;
      receiver.closed(undefined);
    } else if (this.#arrivals.length > 0 && !this.#paused) {
      this.#wake();
    }
  }

  #closeWhenBothEnded(): void {
    if (this.#endReceived && this.peer.#endReceived) this.destroy();
  }
}
