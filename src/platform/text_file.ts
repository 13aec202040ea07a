import { constants, promises } from "node:fs";

/** A path at which there is no file whose text is read. */
export class NoTextFile extends Error {
  /** What is wrong, as it follows the name of the file. */
  readonly why: string;

  /** @param why What is wrong with the file: `is not a file`. */
  constructor(why: string) {
    super(`it ${why}`);
    this.why = why;
  }
}

/**
 * Reads the text of a file, without a byte order mark. A pipe or a device is not read: to open a pipe that nobody
 * writes to takes for ever, and so does reading a device.
 *
 * @param maxBytes A larger file is not read.
 * @throws {NoTextFile} If it is not a file, or larger.
 */
export async function readTextFile(path: string, maxBytes: number): Promise<string> {
  // Absent on Windows, where there are no such pipes.
  const { O_RDONLY, O_NONBLOCK = 0 } = constants;
  await using file = await promises.open(path, O_RDONLY | O_NONBLOCK);
  const found = await file.stat();
  if (!found.isFile()) throw new NoTextFile("is not a file");
  if (found.size > maxBytes) throw new NoTextFile(`is larger than ${maxBytes} bytes`);
  // It leaves the mark out that editors of Windows write, which is no JSON (RFC 8259 §8.1).
  return new TextDecoder().decode(await file.readFile());
}
