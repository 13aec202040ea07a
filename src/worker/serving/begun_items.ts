import type { CallRecord } from "../../observe/mod.ts";
import type { EncodedPayload, ItemReceiver, PullableItems } from "../../routine/mod.ts";

/** A call whose routine has been entered. */
export interface RunningItems {
  /** Its items; those that can be pulled are. */
  readonly items: AsyncIterator<EncodedPayload, unknown> & Pick<PullableItems, "pull">;
  readonly record: CallRecord;
  /** Disposed of when the routine is over. */
  readonly running: Disposable | undefined;
}

/** What begins a call, and hears that it failed. */
export interface BegunItemsOptions {
  /** Begins the call; not called before the first item is asked for. */
  readonly start: () => Promise<RunningItems>;
  /** The routine failed after it had begun. */
  readonly failed: (running: RunningItems, error: unknown) => void;
}

/**
 * The items of one call as its stream asks for them: begins it with the first, and records how it ended.
 * An object and no generator, so that items can be pulled through it without promises of its own.
 */
export class BegunItems implements PullableItems, ItemReceiver {
  readonly #options: BegunItemsOptions;
  #starting: Promise<RunningItems> | undefined;
  #running: RunningItems | undefined;
  #over = false;
  #receiver: ItemReceiver | undefined;

  constructor(options: BegunItemsOptions) {
    this.#options = options;
  }

  async next(): Promise<IteratorResult<EncodedPayload, void>> {
    if (this.#over) return DONE;
    const { items } = this.#running ?? await this.#started();
    try {
      const next = await items.next();
      if (next.done !== true) return next;
      this.#succeeded();
      return DONE;
    } catch (error) {
      this.#threw(error);
      throw error;
    }
  }

  pull(receiver: ItemReceiver): void {
    this.#receiver = receiver;
    const running = this.#running;
    if (running !== undefined) return this.#pullFrom(running);
    this.#started().then((started) => this.#pullFrom(started), (error) => receiver.failed(error));
  }

  async return(): Promise<IteratorResult<EncodedPayload, void>> {
    // What has not been asked for anything has nothing to leave.
    const running = await this.#starting?.catch(() => undefined);
    if (running === undefined || this.#over) {
      this.#over = true;
      return DONE;
    }
    try {
      await running.items.return?.();
      this.#left();
    } catch (error) {
      this.#threw(error);
      throw error;
    }
    return DONE;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  item(payload: EncodedPayload): boolean {
    return this.#receiver!.item(payload);
  }

  ended(): void {
    this.#succeeded();
    this.#receiver!.ended();
  }

  failed(error: unknown): void {
    this.#threw(error);
    this.#receiver!.failed(error);
  }

  async #started(): Promise<RunningItems> {
    this.#starting ??= this.#options.start();
    return this.#running = await this.#starting;
  }

  #pullFrom({ items }: RunningItems): void {
    if (this.#over) this.#receiver!.ended();
    else if (items.pull !== undefined) items.pull(this);
    else {
      items.next().then((next) => {
        if (next.done === true) this.ended();
        else if (this.item(next.value)) this.pull(this.#receiver!);
      }, (error) => this.failed(error));
    }
  }

  #succeeded(): void {
    if (this.#end()) this.#running!.record.succeeded();
  }

  #left(): void {
    if (this.#end()) this.#running!.record.left();
  }

  #threw(error: unknown): void {
    if (this.#end()) this.#options.failed(this.#running!, error);
  }

  /** Returns whether it was not over before. */
  #end(): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#running?.running?.[Symbol.dispose]();
    return this.#running !== undefined;
  }
}

const DONE: IteratorReturnResult<void> = { done: true, value: undefined };
