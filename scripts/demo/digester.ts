import { createHash } from "node:crypto";

const NEWLINE = 10;

/** Hashes bytes and counts their lines and words, however they are cut into chunks. */
export class Digester {
  readonly #hash = createHash("sha256");
  #lines = 0;
  #words = 0;
  #inWord = false;

  /** Takes the next bytes. */
  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    for (const byte of bytes) {
      if (byte === NEWLINE) this.#lines += 1;
      const space = byte === 32 || (byte >= 9 && byte <= 13);
      if (!space && !this.#inWord) this.#words += 1;
      this.#inWord = !space;
    }
  }

  /** The result of all of them. */
  finish(): { readonly sha256: string; readonly lines: number; readonly words: number } {
    return { sha256: this.#hash.digest("hex"), lines: this.#lines, words: this.#words };
  }
}
