/**
 * The frames that Zstandard's data is made of (RFC 8878, section 3.1), without those that are to be
 * skipped; `undefined` where the last one is torn, or there are more than {@linkcode MAX_FRAMES}.
 *
 * The platform's `createZstdDecompress` reads the first frame only, and takes a torn one for a whole one
 * that is shorter. Its `zstdCompress` puts an empty frame behind what it made in several steps.
 */
export function zstdFrames(bytes: Uint8Array): readonly Uint8Array[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const frames: Uint8Array[] = [];
  let from = 0;
  for (let count = 0; from < bytes.byteLength; count++) {
    const skipped = skippableEnd(view, from);
    const end = skipped ?? frameEnd(view, from);
    if (end === undefined || end > bytes.byteLength || count === MAX_FRAMES) return undefined;
    if (skipped === undefined) frames.push(bytes.subarray(from, end));
    from = end;
  }
  return frames;
}

/** A message is one frame; each costs a decompression, however little is in it. */
export const MAX_FRAMES = 16;

const MAGIC = 0xfd2f_b528;
const SKIPPABLE_MAGIC = 0x184d_2a50;
const SINGLE_SEGMENT = 0b10_0000;
const CHECKSUM = 0b100;
const RLE_BLOCK = 1;

/** Where a frame that holds no data ends (section 3.1.2). */
function skippableEnd(view: DataView, from: number): number | undefined {
  if (from + 8 > view.byteLength) return undefined;
  const magic = view.getUint32(from, true) >>> 4 << 4;
  return magic === SKIPPABLE_MAGIC ? from + 8 + view.getUint32(from + 4, true) : undefined;
}

/** Where a frame that holds data ends (section 3.1.1), which may be behind the data that there is. */
function frameEnd(view: DataView, from: number): number | undefined {
  if (from + 5 > view.byteLength || view.getUint32(from, true) !== MAGIC) return undefined;
  const descriptor = view.getUint8(from + 4);
  let at = from + 5 + fieldsBytes(descriptor);
  while (at + 3 <= view.byteLength) {
    const header = view.getUint16(at, true) | view.getUint8(at + 2) << 16;
    const isRepeated = (header >> 1 & 3) === RLE_BLOCK;
    at += 3 + (isRepeated ? 1 : header >> 3);
    const isLast = (header & 1) === 1;
    if (isLast) return at + ((descriptor & CHECKSUM) === 0 ? 0 : 4);
  }
  return undefined;
}

/** The length of what stands between the descriptor of a frame and its first block. */
function fieldsBytes(descriptor: number): number {
  const isSingleSegment = (descriptor & SINGLE_SEGMENT) !== 0;
  const window = isSingleSegment ? 0 : 1;
  const dictionaryId = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const contentSize = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  return window + dictionaryId + contentSize;
}
