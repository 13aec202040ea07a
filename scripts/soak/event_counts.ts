import type { SelvageEvent } from "../../src/observe/mod.ts";

/** How often everything that matters here was reported. */
export class EventCounts {
  readonly #counts = new Map<string, number>();
  #ended = 0;

  /** Counts what `events` gives, to its end. */
  constructor(events: AsyncIterable<SelvageEvent>) {
    this.#read(events);
  }

  /** How often an event of a type was reported. */
  of(type: SelvageEvent["type"]): number {
    return this.#counts.get(type) ?? 0;
  }

  /** How many listener generations have ended. */
  get generationsEnded(): number {
    return this.#ended;
  }

  async #read(events: AsyncIterable<SelvageEvent>): Promise<void> {
    for await (const event of events) {
      this.#counts.set(event.type, this.of(event.type) + 1);
      if (event.type === "listener.generation" && event.state === "ended") this.#ended += 1;
      if (TROUBLE.has(event.type)) console.error(JSON.stringify(event));
    }
  }
}

/** None of these is expected; what there is of them is shown. */
const TROUBLE: ReadonlySet<SelvageEvent["type"]> = new Set([
  "credentials.rejected",
  "credentials.expiring",
  "handshake.failed",
  "handshake.refused",
]);
