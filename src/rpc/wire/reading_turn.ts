/**
 * How long the messages of all streams may be handed to their readers in one turn of the event loop, in
 * milliseconds. What arrived of a stream is read without a pause otherwise, and an empty message takes five octets
 * and ten microseconds: a mebibyte of them held everything else up for two seconds.
 */
const TURN_MS = 5;
/** The clock is read once for so many messages. */
const MESSAGES_UNSEEN = 64;

/** Shares each turn of the event loop between the readers of streams and everything else. */
export class ReadingTurn {
  readonly #now: () => number;
  readonly #nextTurn: (callback: () => void) => void;
  readonly #begin = () => this.#begun();
  readonly #waiting: (() => void)[] = [];
  #begunAt: number | undefined;
  #unseen = 0;
  #isOver = false;

  /**
   * No message was read yet.
   *
   * @param now the time in milliseconds.
   * @param nextTurn calls back in the next turn of the event loop.
   */
  constructor(
    now: () => number = () => performance.now(),
    nextTurn: (callback: () => void) => void = setImmediate,
  ) {
    this.#now = now;
    this.#nextTurn = nextTurn;
  }

  /** Whether readers have to wait for the next turn. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Counts messages, or pieces of them, that are handed to a reader. */
  count(messages: number): void {
    if (this.#begunAt === undefined) {
      this.#begunAt = this.#now();
      this.#nextTurn(this.#begin);
    }
    this.#unseen += messages;
    if (this.#unseen < MESSAGES_UNSEEN) return;
    this.#unseen = 0;
    this.#isOver = this.#now() - this.#begunAt > TURN_MS;
  }

  /** Waits for the next turn. */
  next(): Promise<void> {
    return new Promise((begin) => this.#waiting.push(begin));
  }

  #begun(): void {
    this.#begunAt = undefined;
    this.#isOver = false;
    for (const begin of this.#waiting.splice(0)) begin();
  }
}

/** The turn that all streams of the process share. */
export const readingTurn: ReadingTurn = new ReadingTurn();
