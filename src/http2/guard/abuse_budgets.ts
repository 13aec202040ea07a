import { ErrorCode } from "../error_code.ts";
import { EventBudget } from "./event_budget.ts";
import type { Http2Limits } from "../limits.ts";
import { Http2Violation } from "../violation.ts";

/** What useful work earns back: a request brings its SETTINGS, PRIORITY and WINDOW_UPDATE frames along. */
const EARNED_BY_MESSAGE = 4;

/** A DATA frame may be answered with a WINDOW_UPDATE for its stream and one for the connection … */
const EARNED_BY_DATA = 2;

/** … but one smaller than this earns less, so that nobody lives on windows of one octet. */
const WHOLE_DATA_BYTES = 512;

/** How much a peer may ask for that costs us and brings it nothing. */
export class AbuseBudgets {
  readonly #overhead: EventBudget;
  readonly #resets: EventBudget;

  /** @param resets what the peer may reset, where it has that for several connections. */
  constructor(limits: Http2Limits, clock: () => number, resets?: EventBudget) {
    this.#overhead = new EventBudget(
      limits.overheadFrameBurst,
      limits.overheadFramesPerSecond,
      clock,
    );
    this.#resets = resets ?? new EventBudget(limits.resetBurst, limits.resetsPerSecond, clock);
  }

  /**
   * Counts a frame that carries nothing.
   *
   * @throws {Http2Violation} beyond the budget.
   */
  overheadFrame(): void {
    if (!this.#overhead.spend()) calm("too many frames that carry nothing");
  }

  /**
   * Counts a stream that the peer reset before it was complete, or made us reset.
   *
   * @throws {Http2Violation} beyond the budget.
   */
  streamReset(): void {
    if (!this.#resets.spend()) calm("too many streams were reset");
  }

  /** A stream was completed. */
  streamCompleted(): void {
    this.#resets.earn(1);
    this.#overhead.earn(EARNED_BY_MESSAGE);
  }

  /** DATA with content went either way. */
  dataPassed(bytes: number): void {
    this.#overhead.earn(Math.min(1, bytes / WHOLE_DATA_BYTES) * EARNED_BY_DATA);
  }
}

function calm(message: string): never {
  throw new Http2Violation(ErrorCode.ENHANCE_YOUR_CALM, message);
}
