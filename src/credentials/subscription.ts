/**
 * A listener among others, until it is disposed of. Of a class: a stack of resources (`AsyncDisposableStack`) keeps the
 * function that disposes, and all that this holds, until the whole heap is collected.
 */
export class Subscription<Listener> implements Disposable {
  readonly #listeners: Set<Listener>;
  readonly #listener: Listener;

  /** Adds the listener. */
  constructor(listeners: Set<Listener>, listener: Listener) {
    this.#listeners = listeners;
    this.#listener = listener;
    listeners.add(listener);
  }

  [Symbol.dispose](): void {
    this.#listeners.delete(this.#listener);
  }
}
