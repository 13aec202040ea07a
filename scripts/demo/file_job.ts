import { createHash } from "node:crypto";
import type { WorkerPool } from "../../src/pool/mod.ts";
import type { FoundFile } from "./files.ts";
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

/** Has a file digested by a worker, and checks the digest. */
export async function digestFile(pool: WorkerPool, file: FoundFile): Promise<JobDone> {
  const local = createHash("sha256");
  let bytes = 0;
  const count = (chunk: Uint8Array): Uint8Array => {
    local.update(chunk);
    bytes += chunk.length;
    return chunk;
  };
  const found = file.bytes > STREAMED_FROM
    ? await streamed(pool, chunksOf(file.path, count))
    : await pool.call(digest, [count(await Deno.readFile(file.path))]);
  return { digest: found, bytes, matches: found.sha256 === local.digest("hex") };
}

async function streamed(pool: WorkerPool, chunks: AsyncIterable<Uint8Array>): Promise<Digest> {
  for await (const found of pool.duplex(digestStream, chunks, [])) return found;
  throw new Error("the worker ended the stream without a digest");
}

async function* chunksOf(
  path: string,
  count: (chunk: Uint8Array) => Uint8Array,
): AsyncGenerator<Uint8Array, void, undefined> {
  using file = await Deno.open(path);
  for (;;) {
    const chunk = new Uint8Array(CHUNK_BYTES);
    const read = await file.read(chunk);
    if (read === null) return;
    yield count(chunk.subarray(0, read));
  }
}
