import { Code, ConnectError } from "@connectrpc/connect";
import type { Compression } from "@connectrpc/connect/protocol";
import {
  brotliCompress,
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  deflate,
  gzip,
  zstdCompress,
  zstdDecompressSync,
} from "node:zlib";
import { joined } from "../../values/mod.ts";
import { BrokenMessages } from "./broken_messages.ts";
import { type GatherBudget, processBudget } from "./gather_budget.ts";
import { budgetOfRequests, Inflation } from "./inflation.ts";
import { streamTurn } from "./stream_turn.ts";
import { zstdFrames } from "./zstd_frames.ts";

/** The compressions there are, as named in header fields. */
export type CompressionName = "gzip" | "br" | "zstd" | "deflate";

/** Every compression, in the order in which they are preferred. */
export const compressionNames: readonly CompressionName[] = ["gzip", "br", "zstd", "deflate"];

/** The compression of that name, for connect-es at a client: messages are decompressed within the budget of the process. */
export function compressionOf(name: CompressionName): Compression {
  return compressions[name];
}

/** The same at a server: within the budget of the peer whose request it is. */
export function requestCompressionOf(name: CompressionName): Compression {
  return countedCompression(name, budgetOfRequests);
}

/** The first of the names in an accept-encoding field that we have. */
export function acceptedCompression(accepted: string): Compression | undefined {
  for (const part of accepted.split(",")) {
    const name = part.trim();
    if (isCompressionName(name)) return compressions[name];
  }
  return undefined;
}

function isCompressionName(name: string): name is CompressionName {
  return Object.hasOwn(compressions, name);
}

/** Quality 4 compresses as well as gzip does, as fast; the default, 11, takes a hundred times as long. */
const brotliOptions = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };

/** 2 to this power: 8 MiB, the largest window that a receiver takes (RFC 9659, section 3). */
const zstdOptions = { params: { [constants.ZSTD_d_windowLogMax]: 23 } };

interface Algorithm {
  readonly compress: (bytes: Uint8Array) => Promise<Uint8Array<ArrayBuffer>>;
  readonly decompress: (
    bytes: Uint8Array,
    inflation: Inflation,
  ) => Promise<Uint8Array<ArrayBuffer>>;
}

const algorithms: Readonly<Record<CompressionName, Algorithm>> = {
  gzip: {
    compress: (bytes) => run(gzip, bytes, {}),
    decompress: (bytes, inflation) => inflation.read(createGunzip(), bytes),
  },
  br: {
    compress: (bytes) => run(brotliCompress, bytes, brotliOptions),
    decompress: decompressBrotli,
  },
  zstd: {
    compress: (bytes) => run(zstdCompress, bytes, {}),
    decompress: decompressZstd,
  },
  /** The zlib format (RFC 9110, section 8.4.1.2), which HTTP calls by the name of what is in it. */
  deflate: {
    compress: (bytes) => run(deflate, bytes, {}),
    decompress: (bytes, inflation) => inflation.read(createInflate(), bytes),
  },
};

const ofProcess = (name: CompressionName): Compression =>
  countedCompression(name, () => processBudget);

const compressions: Readonly<Record<CompressionName, Compression>> = {
  gzip: ofProcess("gzip"),
  br: ofProcess("br"),
  zstd: ofProcess("zstd"),
  deflate: ofProcess("deflate"),
};

function countedCompression(name: CompressionName, budget: () => GatherBudget): Compression {
  const { compress, decompress } = algorithms[name];
  return {
    name,
    compress,
    decompress: async (bytes, maxBytes) => {
      if (bytes.byteLength === 0) return new Uint8Array(0);
      using inflation = new Inflation(budget(), maxBytes, tooLarge);
      try {
        return await decompress(bytes, inflation);
      } catch (error) {
        throw error instanceof ConnectError ? error : undecodable(error);
      }
    },
  };
}

/**
 * One frame after the other, each in one step: of Deno 2.9.6 what is not done in one does not report all that fails to
 * its listeners.
 */
async function decompressZstd(
  bytes: Uint8Array,
  inflation: Inflation,
): Promise<Uint8Array<ArrayBuffer>> {
  const frames = zstdFrames(bytes);
  if (frames === undefined) throw undecodable(undefined);
  const parts: Uint8Array[] = [];
  for (const frame of frames) {
    parts.push(
      await inOneStep(() =>
        inflation.readAtOnce((maxOutputLength) =>
          zstdDecompressSync(frame, { ...zstdOptions, maxOutputLength })
        )
      ),
    );
  }
  return parts.length === 1 ? alone(parts[0]!) : joined(parts);
}

/** A `Buffer` as bytes that share no memory with others. */
function alone({ buffer, byteOffset, byteLength }: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
  return byteLength === buffer.byteLength ? bytes : bytes.slice();
}

/** Of Deno 2.9.6 no decoder of `node:zlib` gives back all memory after each message that is broken: few may be. */
function decompressBrotli(
  bytes: Uint8Array,
  inflation: Inflation,
): Promise<Uint8Array<ArrayBuffer>> {
  return brokenBrotli.counting(async () => {
    const message = await inflation.read(createBrotliDecompress(), bytes);
    await requireWholeBrotli(bytes, message.byteLength);
    return message;
  });
}

const brokenBrotli = new BrokenMessages("br");

/** Decompresses at once: 7 ms for 4 MiB of Zstandard, so that a turn of the event loop takes on one of them. */
async function inOneStep(decompress: () => Uint8Array): Promise<Uint8Array> {
  while (streamTurn.isOver) await streamTurn.next();
  // The turn begins with the first that is counted.
  streamTurn.count(1);
  const bytes = decompress();
  streamTurn.count(bytes.byteLength >>> PIECE_BITS);
  return bytes;
}

/** A KiB of a message is a piece of it: a large one is looked at as soon as it is there. */
const PIECE_BITS = 10;

/**
 * The platform's `createBrotliDecompress` takes a torn stream for a whole one that is shorter. Its
 * `DecompressionStream` does not, but knows no limit, so that it comes second.
 */
async function requireWholeBrotli(bytes: Uint8Array, expectedBytes: number): Promise<void> {
  const stream = new DecompressionStream("brotli");
  const writer = stream.writable.getWriter();
  const written = writer.write(bytes as Uint8Array<ArrayBuffer>).then(() => writer.close());
  // What fails here fails the reading, too.
  written.catch(() => {});
  let count = 0;
  try {
    for await (const chunk of stream.readable) {
      count += chunk.byteLength;
      if (count > expectedBytes) break;
    }
  } catch (error) {
    throw undecodable(error);
  }
  if (count !== expectedBytes) throw undecodable(undefined);
}

function tooLarge(maxBytes: number): ConnectError {
  return new ConnectError(
    `message size is larger than configured readMaxBytes ${maxBytes} after decompression`,
    Code.ResourceExhausted,
  );
}

function undecodable(cause: unknown): ConnectError {
  return new ConnectError(
    "the message cannot be decompressed",
    Code.InvalidArgument,
    undefined,
    undefined,
    cause,
  );
}

type Compress = (
  bytes: Uint8Array,
  options: object,
  callback: (error: Error | null, result: Uint8Array) => void,
) => void;

function run(
  compress: Compress,
  bytes: Uint8Array,
  options: object,
): Promise<Uint8Array<ArrayBuffer>> {
  return new Promise((resolve, reject) => {
    compress(bytes, options, (error, result) => {
      // A `Buffer` is a `Uint8Array` to the compiler, and not to who compares messages.
      if (error === null) {
        resolve(new Uint8Array(result.buffer as ArrayBuffer, result.byteOffset, result.byteLength));
      } else reject(error);
    });
  });
}
