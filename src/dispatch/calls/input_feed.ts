import type { Source } from "../../contract/mod.ts";
import { type Scope, scopeHere } from "../../platform/mod.ts";

/** Where the items of a {@linkcode InputFeed} go. */
export interface InputSink<Item> {
  /**
   * The next item; `isKept`: it may have to be sent again. Returns whether it was sent at once: else the source waits
   * for `resume`.
   */
  item(item: Item, isKept: boolean): boolean;
  /** There are no more. */
  end(): void;
  /** The source threw, or gave what cannot travel. */
  failed(error: unknown): void;
}

/**
 * What a caller sends to a duplex routine, no faster than it is asked for. Its source is read once;
 * what was read is kept until a worker has begun the call, so that another can be sent the same.
 */
export class InputFeed<Item> {
  /** Rejects when the source threw, or gave what cannot travel; never resolves. */
  readonly failed: Promise<never>;
  readonly #source: AsyncIterator<unknown> | Iterator<unknown>;
  /** Where the call is made: the source is read there, and not where a worker asks for more. */
  readonly #scope: Scope | undefined = scopeHere();
  readonly #encode: (value: unknown) => Item;
  readonly #fail: (error: unknown) => void;
  #state: "waiting" | "reading" | "ended" = "waiting";
  #sink: InputSink<Item> | undefined;
  /** What was read and may have to be sent again; nothing more is kept once the call has begun. */
  #kept: Item[] | undefined = [];
  /** How many items may be sent. */
  #credit = 0;
  /** What was sent has not left yet: reading on would only fill memory. */
  #blocked = false;
  /** Settles once a source that gave what cannot be sent has cleaned up. */
  #left: Promise<unknown> | undefined;

  /** Reads nothing yet. `encode` writes an item for the wire. */
  constructor(source: Source<unknown>, encode: (value: unknown) => Item) {
    this.#source = Symbol.asyncIterator in source
      ? source[Symbol.asyncIterator]()
      : source[Symbol.iterator]();
    this.#encode = encode;
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => {});
    this.failed = promise;
    this.#fail = reject;
  }

  /** Sends what there is to a worker, `credit` items to begin with: in this attempt and no other. */
  attach(sink: InputSink<Item>, credit: number): void {
    const kept = this.#kept ?? [];
    this.#sink = sink;
    this.#credit = credit - kept.length;
    this.#blocked = false;
    for (const item of kept) this.#blocked = !sink.item(item, true);
    if (this.#state === "ended") sink.end();
    else this.#read();
  }

  /** The worker takes that many more items. */
  grant(items: number): void {
    this.#credit += items;
    this.#read();
  }

  /** What was sent has left. */
  resume(): void {
    this.#blocked = false;
    void this.#read();
  }

  /** The call has begun there: it will not be sent anywhere else. */
  commit(): void {
    this.#kept = undefined;
  }

  /**
   * Lets the source go, and waits for it to clean up; not where it is still being read, for it may
   * take for ever to give the next item.
   */
  async close(): Promise<void> {
    const before = this.#state;
    this.#sink = undefined;
    this.#state = "ended";
    if (before === "ended") return void await this.#left;
    const closed = Promise.try(() => this.#leave()).catch(() => {});
    if (before === "waiting") await closed;
  }

  async #read(): Promise<void> {
    if (this.#state !== "waiting") return;
    this.#state = "reading";
    try {
      while (this.#credit > 0 && !this.#blocked && this.#sink !== undefined) {
        const { done, value } =
          await (this.#scope === undefined ? this.#source.next() : this.#next());
        if (this.#over) return;
        if (done) return this.#end();
        this.#send(this.#encoded(value));
      }
      this.#state = "waiting";
    } catch (error) {
      this.#state = "ended";
      this.#fail(error);
      this.#sink?.failed(error);
    }
  }

  /** Whether it was closed meanwhile. */
  get #over(): boolean {
    return this.#state === "ended";
  }

  #next(): ReturnType<Iterator<unknown>["next"]> | ReturnType<AsyncIterator<unknown>["next"]> {
    return this.#scope!.run(() => this.#source.next());
  }

  #leave(): unknown {
    const leave = () => this.#source.return?.();
    return this.#scope === undefined ? leave() : this.#scope.run(leave);
  }

  /** Where a loop over the source fails it is left, too. */
  #encoded(value: unknown): Item {
    try {
      return this.#encode(value);
    } catch (error) {
      this.#left = Promise.try(() => this.#leave()).catch(() => {});
      throw error;
    }
  }

  #send(item: Item): void {
    this.#credit -= 1;
    this.#kept?.push(item);
    if (this.#sink?.item(item, this.#kept !== undefined) === false) this.#blocked = true;
  }

  #end(): void {
    this.#state = "ended";
    this.#sink?.end();
  }
}
