import { setImmediate } from "node:timers";
import type { ByteChannel, ByteReceiver } from "../http2/mod.ts";
import { joined } from "../values/mod.ts";

/** What was handed over before the first flight left. */
interface Waiting {
  readonly bytes: Uint8Array;
  readonly written: () => void;
}

/** A channel that keeps what is written until it is to leave, and then sends it as one piece. */
export class FirstFlight implements ByteChannel {
  readonly #channel: ByteChannel;
  #waiting: Waiting[] | undefined = [];
  #ending = false;

  /** Passes everything else on to `channel`. */
  constructor(channel: ByteChannel) {
    this.#channel = channel;
  }

  /** Sends as one piece what waits, and passes everything on from now on. */
  leave(): void {
    const flight = this.#waiting;
    if (flight === undefined) return;
    this.#waiting = undefined;
    if (flight.length > 0) {
      this.#channel.write(
        joined(flight.map(({ bytes }) => bytes)),
        () => flight.forEach(({ written }) => written()),
      );
    }
    if (this.#ending) this.#channel.end();
  }

  start(receiver: ByteReceiver): void {
    this.#channel.start(receiver);
  }

  write(bytes: Uint8Array, written: () => void): void {
    if (this.#waiting === undefined) this.#channel.write(bytes, written);
    else this.#waiting.push({ bytes, written });
  }

  pause(): void {
    this.#channel.pause();
  }

  resume(): void {
    this.#channel.resume();
  }

  end(): void {
    if (this.#waiting === undefined) this.#channel.end();
    else this.#ending = true;
  }

  destroy(): void {
    this.#channel.destroy();
  }
}

/** How many turns of the loop a first flight waits at most for what the peer sends first. */
const MOST_TURNS_UNHEARD = 3;

/** A first flight that leaves with the answer to what the peer sends first, or soon without. */
export class AnsweringFlight extends FirstFlight implements ByteReceiver {
  #receiver: ByteReceiver | undefined;
  #isHeard = false;

  /** Whether the peer has sent anything. */
  get isHeard(): boolean {
    return this.#isHeard;
  }

  override start(receiver: ByteReceiver): void {
    this.#receiver = receiver;
    this.#leaveSoon(MOST_TURNS_UNHEARD);
    super.start(this);
  }

  received(bytes: Uint8Array): unknown {
    const isFirst = !this.#isHeard;
    this.#isHeard = true;
    const taken = this.#receiver!.received(bytes);
    // Behind what sends the answers of this turn.
    if (isFirst) setImmediate(() => this.leave());
    return taken;
  }

  ended(): void {
    this.#receiver!.ended();
  }

  closed(error: Error | undefined): void {
    this.#receiver!.closed(error);
  }

  #leaveSoon(turns: number): void {
    setImmediate(() => {
      // It leaves with what answers that.
      if (this.#isHeard) return;
      if (turns > 1) this.#leaveSoon(turns - 1);
      else this.leave();
    });
  }
}
