/**
 * Fast path of an async generator: while it is paused at a `yield`, items that are there already are handed out
 * without resuming it. An item that passes a generator costs it two promises, three turns of the microtask queue
 * and 0.1 to 0.2 µs; see `docs/performance-changes.md`. The plain path is the generator itself: it gives the first
 * item, waits for those that are not there, and ends.
 */
export class ReadyItems<Item> implements AsyncGenerator<Item, void, undefined> {
  readonly #plain: AsyncGenerator<Item, void, undefined>;
  readonly #take: () => Taken<Item> | undefined;
  readonly #isHandled: boolean;
  readonly #leave: (() => void) | undefined;
  readonly #leaveUnasked: (() => void) | undefined;
  /** Requests that the generator has not answered: others are queued behind them. */
  #unanswered = 0;
  #isAsked = false;
  #isAtYield = false;

  /**
   * @param plain the generator.
   * @param take the item that the generator would give next; nothing where only the generator can tell. Called
   * only while the generator is paused at a `yield`, where what it throws is thrown.
   */
  constructor(
    plain: AsyncGenerator<Item, void, undefined>,
    take: () => Taken<Item> | undefined,
    { isHandled = false, leave, leaveUnasked }: ReadyItemsOptions = {},
  ) {
    this.#plain = plain;
    this.#take = take;
    this.#isHandled = isHandled;
    this.#leave = leave;
    this.#leaveUnasked = leaveUnasked;
  }

  next(): Promise<IteratorResult<Item, void>> {
    if (!this.#isAtYield || this.#unanswered > 0) return this.#answered(this.#plain.next());
    let taken: Taken<Item> | undefined;
    try {
      taken = this.#take();
    } catch (error) {
      return this.#answered(this.#plain.throw(error));
    }
    return taken === undefined ? this.#answered(this.#plain.next()) : Promise.resolve(taken);
  }

  return(value?: void | PromiseLike<void>): Promise<IteratorResult<Item, void>> {
    this.#leaveWaiting();
    return this.#answered(this.#plain.return(value));
  }

  throw(error: unknown): Promise<IteratorResult<Item, void>> {
    this.#leaveWaiting();
    return this.#answered(this.#plain.throw(error));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  get [Symbol.toStringTag](): string {
    return "AsyncGenerator";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** Tells of a leaving that the generator does not learn of, or not yet. */
  #leaveWaiting(): void {
    if (!this.#isAsked) this.#leaveUnasked?.();
    else if (this.#unanswered > 0) this.#leave?.();
  }

  #answered(answer: Promise<IteratorResult<Item, void>>): Promise<IteratorResult<Item, void>> {
    const noted = this.#noted(answer);
    if (this.#isHandled) noted.catch(() => {});
    return noted;
  }

  async #noted(answer: Promise<IteratorResult<Item, void>>): Promise<IteratorResult<Item, void>> {
    this.#unanswered++;
    this.#isAsked = true;
    try {
      const result = await answer;
      this.#isAtYield = result.done !== true;
      return result;
    } catch (error) {
      this.#isAtYield = false;
      throw error;
    } finally {
      this.#unanswered--;
    }
  }
}

/** How {@linkcode ReadyItems} answer. */
export interface ReadyItemsOptions {
  /** Whether a rejection counts as handled although nothing awaits it. Default: no. */
  readonly isHandled?: boolean;
  /**
   * Ends what the generator waits for: its reader has left, of which the generator learns only once it has answered.
   * Called as often as the reader leaves meanwhile. Default: the reader waits for the answer.
   */
  readonly leave?: () => void;
  /**
   * Ends what the generator was made for: its reader has left before it asked for anything, of which the generator
   * never learns. Called once. Default: there is nothing to end.
   */
  readonly leaveUnasked?: () => void;
}

/** An item, a plain object as a generator gives it. */
export type Taken<Item> = IteratorYieldResult<Item>;

/** Makes one. By a constructor: V8 may make literals old (`docs/performance-changes.md`). */
export const Taken: new <Item>(value: Item) => Taken<Item> = takenConstructor();

function takenConstructor(): typeof Taken {
  function PlainItem(this: { value: unknown; done: false }, value: unknown): void {
    this.value = value;
    this.done = false;
  }
  // Else strict comparisons would tell it from what a generator gives.
  PlainItem.prototype = Object.prototype;
  return PlainItem as unknown as typeof Taken;
}
