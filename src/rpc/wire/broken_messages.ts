import { Code, ConnectError } from "@connectrpc/connect";

/** So many messages may be broken within {@linkcode WITHIN_MS}. */
const MOST_BROKEN = 16;
const WITHIN_MS = 3_600_000;

/**
 * The messages of one compression that could not be decompressed. Each may cost memory for good, so that after some of
 * them none is decompressed any more for a while, whoever sends it; nor are more at once than may still be broken.
 */
export class BrokenMessages {
  readonly #name: string;
  readonly #now: () => number;
  /** When the last ones came. */
  #times: number[] = [];
  #running = 0;
  /** Called when one that is being decompressed has ended. */
  #waiting: (() => void)[] = [];

  /** @param now the time in milliseconds. */
  constructor(name: string, now: () => number = () => performance.now()) {
    this.#name = name;
    this.#now = now;
  }

  /**
   * Decompresses a message, where not too many were broken.
   *
   * @throws {ConnectError} `Unimplemented`, as for a compression that is not known, where too many were; and whatever
   * `decompress` rejects with: of a message that is broken any but `ResourceExhausted`.
   */
  async counting<Result>(decompress: () => Promise<Result>): Promise<Result> {
    while (this.#recent + this.#running >= MOST_BROKEN && this.#running > 0) {
      await new Promise<void>((ended) => this.#waiting.push(ended));
    }
    if (this.#recent >= MOST_BROKEN) throw this.#refusal();
    this.#running++;
    try {
      return await decompress();
    } catch (error) {
      if (ConnectError.from(error).code !== Code.ResourceExhausted) this.#times.push(this.#now());
      throw error;
    } finally {
      this.#running--;
      for (const ended of this.#waiting.splice(0)) ended();
    }
  }

  /** How many were broken lately. */
  get #recent(): number {
    if (this.#times.length === 0) return 0;
    const from = this.#now() - WITHIN_MS;
    this.#times = this.#times.filter((at) => at > from);
    return this.#times.length;
  }

  #refusal(): ConnectError {
    return new ConnectError(
      `no message compressed with "${this.#name}" is read for now: ${MOST_BROKEN} of the last hour were ` +
        "broken, and each may cost memory for good; use another compression",
      Code.Unimplemented,
    );
  }
}
