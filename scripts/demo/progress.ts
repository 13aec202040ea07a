const WIDTH = 32;

/** A progress bar on stderr, where that is a terminal; nothing elsewhere. */
export class ProgressBar implements Disposable {
  readonly #total: number;
  readonly #shown = Deno.stderr.isTerminal();
  #done = 0;
  #drawnAt = 0;

  /** @param total How many steps there are. */
  constructor(total: number) {
    this.#total = total;
  }

  /**
   * One more step is done.
   *
   * @returns How many are.
   */
  step(): number {
    this.#done += 1;
    const now = performance.now();
    if (this.#shown && (now - this.#drawnAt >= 50 || this.#done === this.#total)) {
      this.#drawnAt = now;
      this.#draw();
    }
    return this.#done;
  }

  #draw(): void {
    const filled = Math.round(WIDTH * this.#done / this.#total);
    const bar = "█".repeat(filled) + "░".repeat(WIDTH - filled);
    write(`\r${bar} ${this.#done}/${this.#total} files`);
  }

  /** Wipes the bar away. */
  [Symbol.dispose](): void {
    if (this.#shown) write("\r\x1b[K");
  }
}

function write(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(text));
}
