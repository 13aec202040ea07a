/** How long no result may come before a bad line ends the call, in milliseconds. */
const QUIET_MS = 10_000;

/**
 * Input lines, and the results of them: where a line is bad, the call fails only once the results of the lines before
 * it have been printed. Whether more will come a caller cannot know, so this is over when there are as many results
 * as items were sent, or none has come for ten seconds. The input is not ended, for a routine that adds up its items
 * must not take a part of them for the whole.
 */
export class LinesWithResults {
  readonly #lines: AsyncIterable<unknown>;
  #sent = 0;
  #printed = 0;
  #bad: { readonly error: unknown } | undefined;
  #progress = Promise.withResolvers<void>();
  #ended = false;

  constructor(lines: AsyncIterable<unknown>) {
    this.#lines = lines;
  }

  /** What is sent. It throws what the lines throw, when the results of the lines before have been printed. */
  async *input(): AsyncGenerator<unknown, void, undefined> {
    try {
      for await (const item of this.#lines) {
        this.#sent += 1;
        yield item;
      }
    } catch (error) {
      this.#bad = { error };
      await this.#settled();
      throw error;
    }
  }

  /** One more result has been printed. */
  printed(): void {
    this.#printed += 1;
    this.#moved();
  }

  /**
   * The results are over.
   *
   * @throws What a bad line threw, where the routine ended before it was sent.
   */
  end(): void {
    this.#ended = true;
    this.#moved();
    if (this.#bad !== undefined) throw this.#bad.error;
  }

  #moved(): void {
    this.#progress.resolve();
    this.#progress = Promise.withResolvers();
  }

  async #settled(): Promise<void> {
    while (!this.#ended && this.#printed < this.#sent) {
      const quiet = Promise.withResolvers<"quiet">();
      const timer = setTimeout(() => quiet.resolve("quiet"), QUIET_MS);
      const outcome = await Promise.race([this.#progress.promise, quiet.promise]);
      clearTimeout(timer);
      if (outcome === "quiet") return;
    }
  }
}
