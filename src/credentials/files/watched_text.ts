import { createHash } from "node:crypto";
import { namingFile, unusable } from "../../errors/mod.ts";
import type { Clock } from "../../observe/mod.ts";
import { isMissing, NoTextFile, readingFailure, readTextFile } from "../../platform/mod.ts";
import { FileReadings } from "./file_readings.ts";
import { asError, messageOf } from "../../values/mod.ts";

/** A change is read once nothing has changed for so long, in milliseconds. */
const DEBOUNCE_MS = 100;
/** A file that keeps changing is read after so long all the same, in milliseconds. */
const PATIENCE_MS = 1_000;
/** How often the file is read all the same, in milliseconds: some file systems report no changes. */
const POLL_MS = 10_000;
/** The same where its folder cannot be watched, or what was read last is not in use. */
const QUICK_POLL_MS = 1_000;

/** A file whose text is read again when it changes. */
export interface WatchedTextOptions {
  /** The file. */
  readonly path: string;
  /** The largest file that is read, in bytes. */
  readonly maxBytes: number;
  /** The setting that names the file, for errors. */
  readonly setting: string;
  /** Takes a version into use, or throws a {@linkcode ConfigurationError} where it cannot be used. */
  readonly adopt: (text: string, digest: string) => void;
  /** A later version cannot be read or used; called once for each message. */
  readonly reject: (message: string) => void;
  /** The time. */
  readonly clock: Clock;
}

/** Follows a file; what cannot be read or used is rejected, and the last good version stays. */
export class WatchedText implements AsyncDisposable {
  readonly #options: WatchedTextOptions;
  readonly #readings: FileReadings<string | Error>;
  /** What was read or reported last. */
  #digest = "";
  #inUse = false;

  private constructor(options: WatchedTextOptions) {
    this.#options = options;
    this.#readings = new FileReadings({
      paths: [options.path],
      debounceMs: DEBOUNCE_MS,
      patienceMs: PATIENCE_MS,
      clock: options.clock,
      read: () => readText(options).catch(asError),
      take: (text) => this.#take(text),
      againInMs: (watched) => watched && this.#inUse ? POLL_MS : QUICK_POLL_MS,
      background: () => true,
    });
  }

  /**
   * Reads the file, and watches it.
   *
   * @throws {ConfigurationError} where it cannot be read or used.
   */
  static async open(options: WatchedTextOptions): Promise<WatchedText> {
    const file = new WatchedText(options);
    try {
      await file.#readings.begin();
    } catch (error) {
      await file[Symbol.asyncDispose]();
      throw error;
    }
    return file;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#readings[Symbol.asyncDispose]();
  }

  #take(text: string | Error): void {
    try {
      if (text instanceof Error) throw text;
      this.#adopt(text);
    } catch (error) {
      // Whatever a version does to its reader, the last good one stays; the first has none before it.
      if (this.#digest === "") throw error;
      this.#reject(messageOf(error));
    }
  }

  #adopt(text: string): void {
    const digest = digestOf(text);
    if (digest === this.#digest) return;
    const { setting, path, adopt } = this.#options;
    namingFile(setting, path, () => adopt(text, digest));
    this.#digest = digest;
    this.#inUse = true;
  }

  #reject(message: string): void {
    const digest = digestOf(message);
    if (digest === this.#digest) return;
    this.#digest = digest;
    this.#inUse = false;
    this.#options.reject(message);
  }
}

async function readText({ path, maxBytes, setting }: WatchedTextOptions): Promise<string> {
  const refuse = (why: string): never => {
    throw unusable(setting, `${setting}: ${path} ${why}`);
  };
  try {
    return await readTextFile(path, maxBytes);
  } catch (error) {
    if (error instanceof NoTextFile) return refuse(error.why);
    if (isMissing(error)) return refuse("does not exist");
    return refuse(`cannot be read: ${readingFailure(error)}`);
  }
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
