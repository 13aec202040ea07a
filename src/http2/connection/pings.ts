import { encodeUint32, readUint32 } from "../frame/frame_header.ts";
import { PING_BYTES } from "../frame/ping.ts";
import type { SendScheduler } from "../send/send_scheduler.ts";

interface PendingPing {
  readonly sentAt: number;
  readonly answered: (roundTripMs: number) => void;
  readonly lost: (error: Error) => void;
}

/** The PINGs that we have sent and that wait for their answer. */
export class Pings {
  /** The last round trip: what waits on the way and at both ends is part of it. */
  lastMs: number | undefined;
  /** The shortest round trip, in milliseconds; `undefined` before the first answer. */
  shortestMs: number | undefined;
  readonly #scheduler: SendScheduler;
  readonly #clock: () => number;
  /** Those that wait; none on most connections most of the time. */
  #pending: Map<number, PendingPing> | undefined;
  #next = 1;

  constructor(scheduler: SendScheduler, clock: () => number) {
    this.#scheduler = scheduler;
    this.#clock = clock;
  }

  /** Sends a PING. One of both is called: with the round trip, or when the connection is over. */
  send(answered: (roundTripMs: number) => void, lost: (error: Error) => void = () => {}): void {
    const opaque = new Uint8Array(PING_BYTES);
    encodeUint32(opaque, 4, this.#next);
    this.#pending ??= new Map();
    this.#pending.set(this.#next, { sentAt: this.#clock(), answered, lost });
    this.#next = (this.#next + 1) >>> 0;
    this.#scheduler.control.ping(false, opaque, 0);
    this.#scheduler.schedule();
  }

  /** The answer with the eight octets at `at` arrived; returns whether it answers a PING of ours. */
  answer(bytes: Uint8Array, at: number): boolean {
    const key = readUint32(bytes, at + 4);
    const ping = readUint32(bytes, at) === 0 ? this.#pending?.get(key) : undefined;
    if (!ping) return false;
    if (this.#pending!.size === 1) this.#pending = undefined;
    else this.#pending!.delete(key);
    const roundTripMs = this.#clock() - ping.sentAt;
    this.lastMs = roundTripMs;
    this.shortestMs = Math.min(roundTripMs, this.shortestMs ?? Infinity);
    ping.answered(roundTripMs);
    return true;
  }

  /** Sends a PING only to learn the round trip, unless an answer is under way. */
  measure(): void {
    if (this.#pending === undefined) this.send(() => {});
  }

  /** No answer will arrive any more; the error says why, where it is known. */
  lose(error: Error | undefined): void {
    if (this.#pending === undefined) return;
    const pending = this.#pending.values();
    this.#pending = undefined;
    const reason = error ?? new Error("the connection has ended");
    for (const { lost } of pending) lost(reason);
  }
}
