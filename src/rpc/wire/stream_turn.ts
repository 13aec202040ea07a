/**
 * How long the messages of all streams may be handed to their readers, and taken from their writers, in one turn of
 * the event loop, in milliseconds. A socket takes one write a turn, and sockets are read between turns: with all that
 * 16 streams may have under way in one turn, 4 ms of small items, each end stood still while the other worked, see
 * `docs/performance.md`; and an empty message takes five octets and ten microseconds, so that a mebibyte of them held
 * everything else up for two seconds.
 */
const TURN_MS = 0.2;
/** So many of those that wait go on in a turn: with one message each of hundreds, every message has its own frame. */
const STREAMS_A_TURN = 8;
/** The clock is read once for so many messages. */
const MESSAGES_UNSEEN = 64;

/** Shares each turn of the event loop between the readers and writers of streams and everything else. */
export class StreamTurn {
  readonly #now: () => number;
  readonly #nextTurn: (callback: () => void) => void;
  readonly #begin = () => this.#begun();
  readonly #waiting: (() => void)[] = [];
  #begunAt: number | undefined;
  #unseen = 0;
  #isOver = false;

  /**
   * No message has passed yet.
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

  /** Whether readers and writers have to wait for the next turn. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Counts messages, or pieces of them, that are handed to a reader or taken from a writer. */
  count(messages: number): void {
    if (this.#begunAt === undefined) this.#start();
    this.#unseen += messages;
    if (this.#unseen < MESSAGES_UNSEEN) return;
    this.#unseen = 0;
    this.#isOver = this.#now() - this.#begunAt! > TURN_MS;
  }

  /** Waits for the next turn. */
  next(): Promise<void> {
    return new Promise((begin) => this.#waiting.push(begin));
  }

  #begun(): void {
    this.#begunAt = undefined;
    this.#isOver = false;
    const begin = this.#waiting.splice(0, STREAMS_A_TURN);
    // Those that still wait have a turn after this one, whether or not its time is used up.
    if (this.#waiting.length > 0) this.#start();
    for (const each of begin) each();
  }

  #start(): void {
    this.#begunAt = this.#now();
    this.#nextTurn(this.#begin);
  }
}

/** The turn that all streams of the process share. */
export const streamTurn: StreamTurn = new StreamTurn();
