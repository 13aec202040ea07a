/** What one message of a call takes at most; a stream that gets more in between is not one that waits for little. */
const SMALL_BYTES = 4096;
/** For how long a connection counts as shared after small messages were seen between the frames of a stream. */
const REMEMBERED_MS = 1_000;

/**
 * Notices whether small messages of other streams arrive between the DATA frames of a stream: then calls wait for
 * what that stream has on the way, and its window is how much that is.
 */
export class Interleaving {
  readonly #clock: () => number;
  #current = 0;
  #currentBytes = 0;
  /** The stream whose frames came before those of the current one. */
  #before = 0;
  #until = -Infinity;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** DATA of that many octets arrived. */
  delivered(streamId: number, bytes: number): void {
    if (streamId === this.#current) {
      this.#currentBytes += bytes;
      return;
    }
    if (this.#currentBytes > SMALL_BYTES) this.#before = this.#current;
    else if (streamId === this.#before) this.#until = this.#clock() + REMEMBERED_MS;
    this.#current = streamId;
    this.#currentBytes = bytes;
  }

  /** Whether that was so of late. */
  get isRecent(): boolean {
    return this.#clock() < this.#until;
  }
}
