import type { EventOf, EventType, SelvageEvent } from "../../src/observe/mod.ts";
import { Journal } from "../support/journal.ts";

/** Every event that a process has emitted, for a test to wait for. */
export class Emitted {
  readonly #events = new Journal<SelvageEvent>();

  /** Adds what `events` gives, to its end. Default: only what is added one by one. */
  constructor(events?: AsyncIterable<SelvageEvent>) {
    if (events !== undefined) void this.#read(events);
  }

  /** Adds one. */
  add(event: SelvageEvent): void {
    this.#events.add(event);
  }

  /** No more follow. */
  end(): void {
    this.#events.end();
  }

  /** The events of one type so far, in order. */
  of<Type extends EventType>(type: Type): EventOf<Type>[] {
    return this.#events.entries.filter((event): event is EventOf<Type> => event.type === type);
  }

  /** Waits for an event of one type that is wanted, and gives it. */
  async until<Type extends EventType>(
    type: Type,
    wanted: (event: EventOf<Type>) => boolean = () => true,
  ): Promise<EventOf<Type>> {
    return await this.#events.until((event): event is EventOf<Type> =>
      event.type === type && wanted(event as EventOf<Type>)
    );
  }

  /** Waits for the `nth` event of one type, counted from 1, and gives it. */
  async nth<Type extends EventType>(type: Type, nth: number): Promise<EventOf<Type>> {
    return await this.until(type, (event) => this.of(type).indexOf(event) >= nth - 1);
  }

  async #read(events: AsyncIterable<SelvageEvent>): Promise<void> {
    for await (const event of events) this.add(event);
    this.end();
  }
}
