/** How many items may be under way unread: each one takes, and each one read gives back. */
export class Credit {
  #items: number;
  #state: "open" | "closed" = "open";
  #granted: (() => void) | undefined;

  /** @param items How many may go out before any is granted. */
  constructor(items: number) {
    this.#items = items;
  }

  /** That many more items may go out. */
  grant(items: number): void {
    // A peer that grants without end gets no further than this.
    this.#items = Math.min(this.#items + items, Number.MAX_SAFE_INTEGER);
    this.#granted?.();
  }

  /** Nothing more will go out: those who wait are released. */
  close(): void {
    this.#state = "closed";
    this.#granted?.();
  }

  /** Takes one, where there is one. @returns Whether it was taken. */
  tryTake(): boolean {
    if (this.#items === 0 || this.#state === "closed") return false;
    this.#items -= 1;
    return true;
  }

  /**
   * Takes one, and waits for it where there is none; for one taker at a time. Returns whether it was taken: not where
   * the credit was closed.
   */
  async take(): Promise<boolean> {
    while (this.#items === 0 && this.#state === "open") {
      await new Promise<void>((resolve) => this.#granted = resolve);
    }
    this.#granted = undefined;
    if (this.#state === "closed") return false;
    this.#items -= 1;
    return true;
  }
}
