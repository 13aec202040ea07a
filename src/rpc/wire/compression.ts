import { Code, ConnectError } from "@connectrpc/connect";
import type { Compression } from "@connectrpc/connect/protocol";
import {
  brotliCompress,
  brotliDecompress,
  constants,
  deflate,
  gunzip,
  gzip,
  inflate,
  zstdCompress,
  zstdDecompress,
} from "node:zlib";
import { joined } from "../../values/mod.ts";
import { zstdFrames } from "./zstd_frames.ts";

/** The compressions there are, as named in header fields. */
export type CompressionName = "gzip" | "br" | "zstd" | "deflate";

/** Every compression, in the order in which they are preferred. */
export const compressionNames: readonly CompressionName[] = ["gzip", "br", "zstd", "deflate"];

/** The compression of that name, for connect-es. */
export function compressionOf(name: CompressionName): Compression {
  return compressions[name];
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

type Algorithm = (
  bytes: Uint8Array,
  options: object,
  callback: (error: Error | null, result: Uint8Array) => void,
) => void;

/** Quality 4 compresses as well as gzip does, as fast; the default, 11, takes a hundred times as long. */
const brotliOptions = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };

/** 2 to this power: 8 MiB, the largest window that a receiver takes (RFC 9659, section 3). */
const zstdOptions = { params: { [constants.ZSTD_d_windowLogMax]: 23 } };

const compressions: Readonly<Record<CompressionName, Compression>> = {
  gzip: {
    name: "gzip",
    compress: (bytes) => run(gzip, bytes, {}),
    decompress: (bytes, maxBytes) => decompress(gunzip, bytes, maxBytes, {}),
  },
  br: {
    name: "br",
    compress: (bytes) => run(brotliCompress, bytes, brotliOptions),
    decompress: async (bytes, maxBytes) => {
      const message = await decompress(brotliDecompress, bytes, maxBytes, {});
      if (bytes.byteLength > 0) await requireWholeBrotli(bytes, message.byteLength);
      return message;
    },
  },
  zstd: {
    name: "zstd",
    compress: (bytes) => run(zstdCompress, bytes, {}),
    decompress: decompressZstd,
  },
  /** The zlib format (RFC 9110, section 8.4.1.2), which HTTP calls by the name of what is in it. */
  deflate: {
    name: "deflate",
    compress: (bytes) => run(deflate, bytes, {}),
    decompress: (bytes, maxBytes) => decompress(inflate, bytes, maxBytes, {}),
  },
};

async function decompress(
  algorithm: Algorithm,
  bytes: Uint8Array,
  maxBytes: number,
  options: object,
): Promise<Uint8Array<ArrayBuffer>> {
  if (bytes.byteLength === 0) return new Uint8Array(0);
  try {
    return await run(algorithm, bytes, { ...options, maxOutputLength: maxBytes });
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge(maxBytes);
    throw undecodable(error);
  }
}

async function decompressZstd(
  bytes: Uint8Array,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const frames = zstdFrames(bytes);
  if (frames === undefined) throw undecodable(undefined);
  let whole = new Uint8Array(0);
  for (const frame of frames) {
    const part = await decompress(zstdDecompress, frame, maxBytes, zstdOptions);
    if (whole.byteLength + part.byteLength > maxBytes) throw tooLarge(maxBytes);
    whole = whole.byteLength === 0 ? part : joined([whole, part]);
  }
  return whole;
}

/**
 * The platform's `brotliDecompress` takes a torn stream for a whole one that is shorter. Its
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

function run(
  algorithm: Algorithm,
  bytes: Uint8Array,
  options: object,
): Promise<Uint8Array<ArrayBuffer>> {
  return new Promise((resolve, reject) => {
    algorithm(bytes, options, (error, result) => {
      // A `Buffer` is a `Uint8Array` to the compiler, and not to who compares messages.
      if (error === null) {
        resolve(new Uint8Array(result.buffer as ArrayBuffer, result.byteOffset, result.byteLength));
      } else reject(error);
    });
  });
}
