import { onAbort } from "../values/mod.ts";
import type { DiscoveryChange } from "./discovery.ts";

/** Those who watch a discovery of this process; changes that one has not read yet are joined into one batch. */
export class Watchers {
  readonly #unread = new Set<Unread>();

  /** Reports changes to all of them. */
  push(...changes: readonly DiscoveryChange[]): void {
    for (const unread of this.#unread) {
      unread.changes.push(...changes);
      unread.wake();
    }
  }

  /**
   * Watches until `signal` aborts.
   *
   * @param known Gives the first batch, when that is asked for.
   */
  async *watch(
    known: () => readonly DiscoveryChange[],
    signal: AbortSignal,
  ): AsyncGenerator<readonly DiscoveryChange[], void, undefined> {
    const unread: Unread = { changes: [...known()], wake: () => {} };
    using _abort = onAbort(signal, () => unread.wake());
    this.#unread.add(unread);
    try {
      do {
        yield unread.changes.splice(0);
        while (unread.changes.length === 0 && !signal.aborted) {
          await new Promise<void>((resolve) => unread.wake = resolve);
        }
      } while (!signal.aborted);
    } finally {
      this.#unread.delete(unread);
    }
  }
}

interface Unread {
  readonly changes: DiscoveryChange[];
  wake: () => void;
}
