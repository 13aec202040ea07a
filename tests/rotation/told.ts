import type { EventOf, EventType, SelvageEvent } from "../../src/observe/mod.ts";

/** Everything that somebody has told, for a test to wait for. */
export class Told {
  readonly #events: SelvageEvent[] = [];
  #news = Promise.withResolvers<void>();
  #over = false;

  /** Takes what `events` gives, to its end. */
  constructor(events: AsyncIterable<SelvageEvent>) {
    this.#read(events);
  }

  /** The events of one type so far, in order. */
  of<Type extends EventType>(type: Type): EventOf<Type>[] {
    return this.#events.filter((event): event is EventOf<Type> => event.type === type);
  }

  /** Waits for an event of one type that is wanted, and gives it. */
  async until<Type extends EventType>(
    type: Type,
    wanted: (event: EventOf<Type>) => boolean = () => true,
  ): Promise<EventOf<Type>> {
    for (;;) {
      const found = this.of(type).find(wanted);
      if (found !== undefined) return found;
      if (this.#over) throw new Error(`no ${type} was told that is wanted`);
      await this.#news.promise;
    }
  }

  /** Waits for the `nth` event of one type, counted from 1, and gives it. */
  async nth<Type extends EventType>(type: Type, nth: number): Promise<EventOf<Type>> {
    return await this.until(type, (event) => this.of(type).indexOf(event) >= nth - 1);
  }

  async #read(events: AsyncIterable<SelvageEvent>): Promise<void> {
    for await (const event of events) {
      this.#events.push(event);
      this.#wake();
    }
    this.#over = true;
    this.#wake();
  }

  #wake(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}
