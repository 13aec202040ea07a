import { FolderWatch } from "./folder_watch.ts";
import { Quiet, type QuietOptions } from "./quiet.ts";

/** Which files are read, and when. */
export interface FileReadingsOptions<Content> extends QuietOptions {
  /** The files. */
  readonly paths: readonly string[];
  /** Reads the files. */
  readonly read: () => Promise<Content>;
  /** Takes what was read; not after the end. */
  readonly take: (content: Content) => void;
  /** When to read although nothing has changed, in milliseconds; `watched` where changes would be noticed. */
  readonly againInMs: (watched: boolean) => number;
  /** Whether the process may end meanwhile. */
  readonly background: () => boolean;
}

/** Reads files whenever they change, one reading at a time. */
export class FileReadings<Content> implements AsyncDisposable {
  readonly #options: FileReadingsOptions<Content>;
  readonly #folders: FolderWatch;
  readonly #quiet: Quiet;
  #phase: "waiting" | "reading" | "reading-outdated" | "closed" = "waiting";
  #timer: Disposable | undefined;
  #reading: Promise<void> = Promise.resolve();

  /** Reads nothing before {@linkcode FileReadings.begin}. */
  constructor(options: FileReadingsOptions<Content>) {
    this.#options = options;
    this.#quiet = new Quiet(options);
    this.#folders = new FolderWatch(() => this.#changed());
  }

  /** Reads for the first time; rejects with what `read` or `take` throws. */
  begin(): Promise<void> {
    return this.#reading = this.#read();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#phase = "closed";
    this.#timer?.[Symbol.dispose]();
    await this.#reading.catch(() => {});
    await this.#folders[Symbol.asyncDispose]();
  }

  /** Waits for quiet, but not for ever, and reads. What changes while it is read may have been missed. */
  #changed(): void {
    if (this.#phase === "reading") this.#phase = "reading-outdated";
    if (this.#phase === "waiting") this.#readIn(this.#quiet.changed());
  }

  #readIn(delayMs: number): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = this.#options.clock.schedule(() => void this.begin(), delayMs, {
      background: this.#options.background(),
    });
  }

  async #read(): Promise<void> {
    this.#phase = "reading";
    this.#quiet.reading();
    const { paths, read, take, againInMs } = this.#options;
    // Watched first, so that a change during the reading is not missed.
    const watched = await this.#folders.follow(paths);
    const content = await read();
    if (!this.#isIn("closed")) take(content);
    if (this.#isIn("closed")) return;
    const isOutdated = this.#isIn("reading-outdated");
    this.#phase = "waiting";
    if (isOutdated) this.#changed();
    else this.#readIn(againInMs(watched));
  }

  /** The phase may have changed during any `await`, which narrowing does not see. */
  #isIn(phase: "reading-outdated" | "closed"): boolean {
    return this.#phase === phase;
  }
}
