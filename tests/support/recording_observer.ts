import { createNoopMeter } from "@opentelemetry/api";
import {
  type EventOf,
  type EventType,
  Metrics,
  type Observer,
  type UnstampedEvent,
} from "../../src/observe/mod.ts";

/** Keeps what is emitted and lets a test wait for it. */
export class RecordingObserver implements Observer {
  readonly metrics: Metrics = new Metrics(createNoopMeter());
  readonly events: UnstampedEvent[] = [];
  #waiting: (() => void)[] = [];

  emit(event: UnstampedEvent): void {
    this.events.push(event);
    for (const wake of this.#waiting.splice(0)) wake();
  }

  as(): Observer {
    return this;
  }

  /** The events of one type so far, in order. */
  of<Type extends EventType>(type: Type): Omit<EventOf<Type>, "at" | "origin">[] {
    return this.events.filter((event): event is UnstampedEvent & EventOf<Type> =>
      event.type === type
    );
  }

  /** Waits until `count` events of one type were emitted, and gives them. */
  async until<Type extends EventType>(
    type: Type,
    count: number = 1,
  ): Promise<Omit<EventOf<Type>, "at" | "origin">[]> {
    while (this.of(type).length < count) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return this.of(type);
  }
}
