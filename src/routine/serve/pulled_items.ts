/**
 * The fast path of a routine's items: from the routine's own iterator to their sender, with one
 * promise an item, which is the iterator's own.
 *
 * An item that passes an async generator costs it two to three promises and as many turns of the
 * microtask queue; between a routine and the stream there were four. While a receiver takes items, this
 * asks for the next one from within the reaction to the last, which also stays in the call's async
 * context (entering it costs 0.4 µs). Measured for items of 32 bytes: see `docs/performance-changes.md`. The
 * plain path is `items()` in `invoke.ts`; `pulled_items_test.ts` runs the same cases through both.
 */
import type { EncodedPayload } from "../payload/payload.ts";

/** What takes items one after the other. */
export interface ItemReceiver {
  /** The item that was asked for. Returns whether the next one is asked for at once. */
  item(payload: EncodedPayload): boolean;
  /** There are no more. */
  ended(): void;
  /** There are no more, because of this. */
  failed(error: unknown): void;
}

/** Items that can be pulled, or iterated: one or the other. */
export interface PullableItems extends AsyncIterableIterator<EncodedPayload, void, undefined> {
  /**
   * Asks for the next item, for one receiver at a time; it is called back once, and once more for each
   * time that it asks for another. Absent where items can only be iterated.
   */
  pull?(receiver: ItemReceiver): void;
  /** Ends the routine, so that its `finally` runs, after the item that it is making. */
  return(): Promise<IteratorResult<EncodedPayload, void>>;
}

/** A routine that was started, as {@linkcode PulledItems} drives it. */
export interface StartedItems {
  /** Runs a function as a part of the call. */
  readonly inCall: <R>(run: () => R) => R;
  /** What the routine gave. */
  readonly iterator: AsyncIterator<unknown, unknown> | Iterator<unknown, unknown>;
  /** Writes an item. Throws what the call is to fail with. */
  readonly encode: (item: unknown) => EncodedPayload;
  /** What the call is to fail with where the routine threw. */
  readonly failureOf: (thrown: unknown) => unknown;
}

/** Pulls the items of one call. */
export class PulledItems {
  readonly #start: () => StartedItems | Promise<StartedItems>;
  #started: StartedItems | undefined;
  #state: "new" | "idle" | "asked" | "over" = "new";
  #receiver: ItemReceiver | undefined;
  /** Called once the item that is being made is there: the routine is to be left then. */
  #settled: (() => void) | undefined;
  readonly #onNext = (result: IteratorResult<unknown, unknown>) => this.#arrived(result);
  readonly #onThrown = (thrown: unknown) => this.#threw(thrown);

  /** @param start starts the routine; called with the first pull. */
  constructor(start: () => StartedItems | Promise<StartedItems>) {
    this.#start = start;
  }

  /** See {@linkcode PullableItems.pull}. */
  pull(receiver: ItemReceiver): void {
    this.#receiver = receiver;
    if (this.#state === "over") return receiver.ended();
    const started = this.#started;
    const isNew = this.#state === "new";
    this.#state = "asked";
    if (started !== undefined) started.inCall(() => this.#ask(started));
    else if (isNew) void this.#begin();
  }

  /** See {@linkcode PullableItems.return}. */
  async leave(): Promise<void> {
    if (this.#state === "asked") {
      await new Promise<void>((resolve) => this.#settled = resolve);
    }
    if (this.#over) return;
    this.#state = "over";
    const started = this.#started;
    if (started === undefined) return;
    try {
      await started.inCall(() => started.iterator.return?.());
    } catch (thrown) {
      throw started.failureOf(thrown);
    }
  }

  get #over(): boolean {
    return this.#state === "over";
  }

  async #begin(): Promise<void> {
    try {
      const starting = this.#start();
      this.#started = starting instanceof Promise ? await starting : starting;
    } catch (error) {
      return this.#fail(error);
    }
    const started = this.#started;
    if (this.#settled !== undefined) this.#settle();
    else started.inCall(() => this.#ask(started));
  }

  /** Within the call's context, in which its reactions stay. */
  #ask({ iterator }: StartedItems): void {
    let next: IteratorResult<unknown, unknown> | Promise<IteratorResult<unknown, unknown>>;
    try {
      next = iterator.next();
    } catch (thrown) {
      return this.#threw(thrown);
    }
    Promise.resolve(next).then(this.#onNext, this.#onThrown);
  }

  #arrived(result: IteratorResult<unknown, unknown>): void {
    let isDone: boolean;
    let value: unknown;
    try {
      // A result is the routine's own object: reading it may throw, and that is thrown by the routine.
      isDone = result.done === true;
      value = isDone ? undefined : result.value;
    } catch (thrown) {
      return this.#threw(thrown);
    }
    if (isDone) {
      this.#state = "over";
      this.#settle();
      return this.#receiver!.ended();
    }
    if (this.#settled !== undefined) return this.#settle();
    const started = this.#started!;
    let payload: EncodedPayload;
    try {
      payload = started.encode(value);
    } catch (error) {
      this.#state = "idle";
      const fail = () => this.#receiver!.failed(error);
      this.leave().then(fail, (thrown) => this.#receiver!.failed(thrown));
      return;
    }
    this.#state = "idle";
    if (this.#receiver!.item(payload) && !this.#over) {
      this.#state = "asked";
      this.#ask(started);
    }
  }

  #threw(thrown: unknown): void {
    this.#fail(this.#started!.failureOf(thrown));
  }

  #fail(error: unknown): void {
    this.#state = "over";
    this.#settle();
    this.#receiver!.failed(error);
  }

  #settle(): void {
    if (this.#state === "asked") this.#state = "idle";
    const settled = this.#settled;
    this.#settled = undefined;
    settled?.();
  }
}
