import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { WorkerPool } from "../../src/pool/mod.ts";
import { type Digest, digest, digestStream } from "./routines.ts";

/** Files over this size are sent as a stream. */
const STREAMED_FROM = 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;

/** One file's digest, made by a worker and made here of the very same bytes. */
export interface JobDone {
  readonly digest: Digest;
  /** How many bytes were sent. */
  readonly bytes: number;
  /** Whether the worker's digest is the one computed here. */
  readonly matches: boolean;
}

/**
 * Has a file digested by a worker, and checks the digest.
 *
 * @returns Nothing where the file cannot be opened: it has gone, or is not ours to read.
 */
export async function digestFile(pool: WorkerPool, path: string): Promise<JobDone | undefined> {
  using file = await openFile(path);
  if (file === undefined) return undefined;
  const { size } = await file.stat();
  const local = createHash("sha256");
  let bytes = 0;
  const sent = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of chunksOf(file, Math.min(size + 1, CHUNK_BYTES))) {
      local.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  };
  const found = size > STREAMED_FROM
    ? await streamed(pool, sent())
    : await pool.call(digest, [await joined(sent())]);
  return { digest: found, bytes, matches: found.sha256 === local.digest("hex") };
}

async function openFile(path: string): Promise<Deno.FsFile | undefined> {
  try {
    return await Deno.open(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    if (error instanceof Deno.errors.PermissionDenied) return undefined;
    throw error;
  }
}

async function streamed(pool: WorkerPool, chunks: AsyncIterable<Uint8Array>): Promise<Digest> {
  for await (const found of pool.duplex(digestStream, chunks, [])) return found;
  throw new Error("the worker ended the stream without a digest");
}

async function joined(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const list = await Array.fromAsync(chunks);
  const [only] = list;
  return list.length === 1 && only !== undefined ? only : new Uint8Array(Buffer.concat(list));
}

async function* chunksOf(
  file: Deno.FsFile,
  chunkBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (;;) {
    const chunk = new Uint8Array(chunkBytes);
    const read = await file.read(chunk);
    if (read === null) return;
    yield chunk.subarray(0, read);
  }
}
