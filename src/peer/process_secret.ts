import { timingSafeEqual } from "node:crypto";
import type { ByteChannel, ByteReceiver } from "../http2/mod.ts";
import type { PeerIdentity } from "../identity/mod.ts";
import { joined, NO_BYTES } from "../values/mod.ts";

/** A listener for the process itself: a peer that shows its secret is the process, with the identity of its certificate. */
export interface OwnProcess {
  /** What the process alone knows. */
  readonly secret: Uint8Array;
  /** Who that is now; nothing without mutual TLS, `refused` where it may not connect to itself. */
  identity(): PeerIdentity | undefined | "refused";
  /** Calls back when that may be another answer. */
  onChange?(changed: () => void): Disposable;
}

/** A new secret. It begins with a letter, so that nothing takes it for TLS. */
export function processSecret(): Uint8Array {
  const secret = crypto.getRandomValues(new Uint8Array(33));
  secret[0] = "S".charCodeAt(0);
  return secret;
}

/**
 * Reads a secret from a channel before anything else, and calls `proven` with the channel as it goes on after that. One
 * that begins otherwise is destroyed unanswered.
 */
export function readSecret(
  channel: ByteChannel,
  secret: Uint8Array,
  proven: (rest: ByteChannel) => void,
): void {
  channel.start(new SecretReader(channel, secret, proven));
}

class SecretReader implements ByteReceiver {
  readonly #channel: ByteChannel;
  readonly #secret: Uint8Array;
  readonly #proven: (rest: ByteChannel) => void;
  #arrived = NO_BYTES;
  #receiver: ByteReceiver | undefined;
  #closed = false;

  constructor(channel: ByteChannel, secret: Uint8Array, proven: (rest: ByteChannel) => void) {
    this.#channel = channel;
    this.#secret = secret;
    this.#proven = proven;
  }

  received(bytes: Uint8Array): boolean {
    if (this.#receiver !== undefined) return this.#receiver.received(bytes) === true;
    if (this.#closed) return true;
    const arrived = this.#arrived = joined([this.#arrived, bytes]);
    const { length } = this.#secret;
    if (arrived.length < length) return true;
    if (timingSafeEqual(arrived.subarray(0, length), this.#secret)) {
      this.#proven(this.#rest(arrived.slice(length)));
    } else this.#destroy();
    return true;
  }

  ended(): void {
    if (this.#receiver !== undefined) this.#receiver.ended();
    else this.#destroy();
  }

  closed(error: Error | undefined): void {
    this.#closed = true;
    this.#receiver?.closed(error);
  }

  #destroy(): void {
    this.#closed = true;
    this.#channel.destroy();
  }

  #rest(already: Uint8Array): ByteChannel {
    const channel = this.#channel;
    return {
      start: (receiver) => {
        this.#receiver = receiver;
        if (already.length > 0) receiver.received(already);
      },
      write: (bytes, written) => channel.write(bytes, written),
      pause: () => channel.pause(),
      resume: () => channel.resume(),
      end: () => channel.end(),
      destroy: () => channel.destroy(),
    };
  }
}
