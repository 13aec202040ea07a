import type { SelvageEvent } from "./event.ts";

/** How many events a reader may be behind before the oldest are dropped. */
export const EVENTS_BUFFERED = 1024;

/**
 * One reader's view of the events: everything from the moment it was opened. A reader that falls
 * behind loses the oldest events; {@linkcode EventStream.dropped} counts them.
 *
 * @example Read until a worker is ready
 * ```ts
 * import { routine } from "@selvage/runtime/routine";
 * import { WorkerServer } from "@selvage/runtime/worker";
 *
 * const worker = await WorkerServer.start({ routines: [routine("math.one", () => 1)] });
 * using events = worker.events();
 * const stopped = worker[Symbol.asyncDispose]();
 * for await (const event of events) {
 *   if (event.type === "worker.stopped") break;
 * }
 * await stopped;
 * ```
 */
export class EventStream implements AsyncIterableIterator<SelvageEvent>, Disposable {
  readonly #capacity: number;
  readonly #closed: (stream: EventStream) => void;
  readonly #lost: () => void;
  #buffer: SelvageEvent[] = [];
  #head = 0;
  #waiting: ((result: IteratorResult<SelvageEvent, undefined>) => void)[] = [];
  #dropped = 0;
  #ended = false;

  /** Opened by an {@linkcode EventHub}. */
  constructor(options: EventStreamOptions = {}) {
    this.#capacity = options.capacity ?? EVENTS_BUFFERED;
    this.#closed = options.closed ?? (() => {});
    this.#lost = options.lost ?? (() => {});
  }

  /** How many events this reader has lost by falling behind. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Hands an event to the reader, or keeps it for its next read. */
  push(event: SelvageEvent): void {
    if (this.#ended) return;
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) return waiting({ value: event, done: false });
    if (this.#pending === this.#capacity) this.#dropOldest();
    this.#buffer.push(event);
  }

  /** Nothing more will come; what is buffered can still be read. */
  end(): void {
    this.#ended = true;
    for (const waiting of this.#waiting.splice(0)) waiting({ value: undefined, done: true });
  }

  /** The next event, once there is one; done after the source has ended or this was disposed of. */
  next(): Promise<IteratorResult<SelvageEvent, undefined>> {
    const event = this.#buffer[this.#head];
    if (event !== undefined) {
      this.#head += 1;
      this.#compact();
      return Promise.resolve({ value: event, done: false });
    }
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Stops reading, as leaving a `for await` loop does. */
  return(): Promise<IteratorResult<SelvageEvent, undefined>> {
    this[Symbol.dispose]();
    return Promise.resolve({ value: undefined, done: true });
  }

  /** This stream itself. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Stops reading and drops what is buffered. */
  [Symbol.dispose](): void {
    this.#buffer = [];
    this.#head = 0;
    this.end();
    this.#closed(this);
  }

  get #pending(): number {
    return this.#buffer.length - this.#head;
  }

  #dropOldest(): void {
    this.#head += 1;
    this.#dropped += 1;
    this.#lost();
    this.#compact();
  }

  /** Moves the unread events to the front once as many have been read, so that each moves once on average. */
  #compact(): void {
    if (this.#head * 2 < this.#buffer.length) return;
    this.#buffer.splice(0, this.#head);
    this.#head = 0;
  }
}

/** How an {@linkcode EventStream} is tied to its source. */
export interface EventStreamOptions {
  /** How many unread events are kept. Default 1,024. */
  readonly capacity?: number;
  /** Called when the reader has gone. */
  readonly closed?: (stream: EventStream) => void;
  /** Called for every event that is dropped. */
  readonly lost?: () => void;
}
