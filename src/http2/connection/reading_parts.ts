/**
 * Fast path: what was read at once is worked on in parts, each in a turn of the event loop of its own, so that what
 * the first part makes the program send leaves while the others are read. The answers to hundreds of calls that were
 * read together left with the turn's end otherwise, because a socket takes one write a turn, and both ends stood still
 * in turns: `add` with 512 callers 1.5 times as often, with 64 callers 1.3 times, see `docs/performance-changes.md`.
 * What has few frames, as items of a stream and large messages have, is read in one part.
 */
import { setImmediate } from "node:timers";
import type { FrameReader } from "../frame/frame_reader.ts";
import type { HeldBytes } from "../guard/byte_budget.ts";
import { freeBuffer } from "../../values/mod.ts";

/** A part has so many frames at least, those of sixteen calls: a turn and its write cost as much as ten calls. */
const LEAST_FRAMES = 32;
/** … and so much of what was read. */
const PART = 1 / 4;

/**
 * Beyond this nothing waits for its turn, so that a peer cannot make much wait, in bytes; nor where an eighth of the
 * budget is in use, so that many connections together cannot.
 */
const MOST_WAITING_BYTES = 128 * 1024;

/** What of a chunk was not read yet. */
interface Waiting {
  readonly chunk: Uint8Array;
  at: number;
  /** Whether a view of what was read of it is kept. */
  isKept: boolean;
}

/** Reads the chunks of a connection in parts, in their order. */
export class ReadingParts {
  readonly #reader: FrameReader;
  readonly #budget: Pick<HeldBytes, "add" | "mayPin">;
  readonly #next: () => void;
  readonly #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #isScheduled = false;

  /**
   * @param budget what waits is counted there.
   * @param next called in a later turn with what reads the next part, and throws as {@linkcode ReadingParts.read} does.
   */
  constructor(
    reader: FrameReader,
    budget: Pick<HeldBytes, "add" | "mayPin">,
    next: (read: () => void) => void,
  ) {
    this.#reader = reader;
    this.#budget = budget;
    const readPart = () => this.#readPart();
    const nextPart = () => {
      this.#isScheduled = false;
      next(readPart);
    };
    this.#next = nextPart;
  }

  /**
   * Reads the first part of a chunk, where no other waits.
   *
   * @returns Whether the chunk is still in use.
   * @throws {Http2Violation} which ends the connection.
   */
  read(chunk: Uint8Array): boolean {
    const mayWait = this.#budget.mayPin;
    if (!mayWait || this.#waitingBytes + chunk.length > MOST_WAITING_BYTES) this.finish();
    let at = 0;
    let isKept = false;
    if (this.#waiting.length === 0) {
      isKept = this.#reader.read(chunk, 0, mayWait ? LEAST_FRAMES : Infinity, chunk.length * PART);
      at = this.#reader.readTo;
      if (at === chunk.length) return isKept;
    }
    this.#waiting.push({ chunk, at, isKept });
    this.#hold(chunk.length - at);
    this.#schedule();
    return true;
  }

  /** Reads all that waits. */
  finish(): void {
    while (this.#waiting.length > 0) this.#readOf(this.#waiting[0]!, Infinity, 0);
  }

  /** Forgets what waits. */
  drop(): void {
    this.#waiting.length = 0;
    this.#hold(-this.#waitingBytes);
  }

  /** Counts bytes that wait from now on, or, below 0, no longer. */
  #hold(bytes: number): void {
    this.#waitingBytes += bytes;
    this.#budget.add(bytes);
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#next);
  }

  /** Reads one part of what waits, over the end of a chunk where that has too little. */
  #readPart(): void {
    const enough = this.#reader.frames + LEAST_FRAMES;
    let bytes = Math.ceil(this.#waitingBytes * PART);
    while (this.#waiting.length > 0) {
      const frames = enough - this.#reader.frames;
      if (frames <= 0 && bytes <= 0) break;
      bytes -= this.#readOf(this.#waiting[0]!, frames, bytes);
    }
    if (this.#waiting.length > 0) this.#schedule();
  }

  /** Reads of the first chunk that waits. @returns how many bytes. */
  #readOf(waiting: Waiting, frames: number, bytes: number): number {
    const { chunk, at } = waiting;
    if (this.#reader.read(chunk, at, frames, at + bytes)) waiting.isKept = true;
    const count = this.#reader.readTo - at;
    // What was read may have ended the connection.
    if (this.#waiting[0] !== waiting) return count;
    waiting.at += count;
    this.#hold(-count);
    if (waiting.at < chunk.length) return count;
    this.#waiting.shift();
    if (!waiting.isKept) freeBuffer(chunk);
    return count;
  }
}
